//! What people see: the page that answers are set on, and one file for each form of an answer.

pub mod chart;
pub mod entity;
pub mod fields;
pub mod heatmap;
pub mod ledger;
pub mod map;
pub mod number;
pub mod odd;
pub mod progress;
pub mod table;
pub mod waterfall;

use std::io::{self, IsTerminal as _, Write as _};

use chrono::{DateTime, Local, SecondsFormat};
use clap::ValueEnum;

use crate::failure::Failure;

/// Where stdout is no terminal, charts are so wide; tables are as wide as they need.
const CHART_WIDTH: usize = 80;
/// Narrower ones show nothing, wider ones are hard to read.
const CHART_WIDTH_MIN: usize = 40;
const CHART_WIDTH_MAX: usize = 160;

/// In whose time zone times are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Times {
    #[default]
    Utc,
    /// This machine's, as `TZ` or `/etc/localtime` says
    Local,
}

/// How to set an answer for whoever reads it.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub color: bool,
    /// The terminal's width, if stdout is one.
    pub width: Option<usize>,
    pub times: Times,
}

impl Page {
    /// `color` says whether colours are wanted where there is a terminal.
    pub fn new(color: bool, times: Times) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let width = is_terminal.then(|| comfy_table::Table::new().width());
        Self {
            color: color && is_terminal,
            width: width.flatten().map(usize::from),
            times,
        }
    }

    #[cfg(test)]
    pub fn plain() -> Self {
        Self {
            color: false,
            width: None,
            times: Times::Utc,
        }
    }

    pub fn chart_width(&self) -> usize {
        let width = self.width.unwrap_or(CHART_WIDTH);
        width.clamp(CHART_WIDTH_MIN, CHART_WIDTH_MAX)
    }

    pub fn dimmed(&self, text: &str) -> String {
        self.styled(text, "2")
    }

    pub fn red(&self, text: &str) -> String {
        self.styled(text, "31")
    }

    fn styled(&self, text: &str, style: &str) -> String {
        if self.color {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Nanoseconds since 1970 in RFC 3339, with as many digits as it takes.
    pub fn time(&self, nanos: &str) -> String {
        let Ok(number) = nanos.parse() else {
            return nanos.to_owned();
        };
        let time = DateTime::from_timestamp_nanos(number);
        match self.times {
            Times::Utc => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Times::Local => time
                .with_timezone(&Local)
                .to_rfc3339_opts(SecondsFormat::AutoSi, false),
        }
    }

    /// The same in a `strftime` form.
    pub fn time_as(&self, nanos: i64, form: &str) -> String {
        let time = DateTime::from_timestamp_nanos(nanos);
        match self.times {
            Times::Utc => time.format(form).to_string(),
            Times::Local => time.with_timezone(&Local).format(form).to_string(),
        }
    }
}

/// What came in from outside must not steer the terminal.
pub fn printable(text: &str) -> String {
    if text.contains(char::is_control) {
        text.chars()
            .flat_map(|c| {
                if c.is_control() {
                    c.escape_default().collect()
                } else {
                    vec![c]
                }
            })
            .collect()
    } else {
        text.to_owned()
    }
}

/// Cut to so many characters, with a sign that it was.
pub fn fitted(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// In lines of at most so many characters where words allow, those after the first with an indent; ends with a break.
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut wrapped = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let length = line.chars().count() + 1 + word.chars().count();
        if length > width && !line.trim().is_empty() {
            wrapped += &format!("{}\n", line.trim_end());
            line = indent.to_owned();
        } else if !line.is_empty() && !(line == indent && !wrapped.is_empty()) {
            line.push(' ');
        }
        line += word;
    }
    wrapped + &line + "\n"
}

/// Whether someone reads on after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Listens,
    /// Has seen enough, as `head` does: there is nothing more to do.
    Gone,
}

pub fn write(bytes: &[u8]) -> Result<Reader, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Reader::Listens),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error.into()),
    }
}

/// Writes a text that ends with a line break, whether it has one or not.
pub fn write_text(text: &str) -> Result<Reader, Failure> {
    write(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
}

/// A line for whoever runs the command, apart from the answer.
pub fn note(text: &str) {
    _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::{Page, fitted, printable, wrapped};

    #[test]
    fn times_and_texts_are_safe_to_show() {
        let page = Page::plain();
        assert_eq!(page.time("-1"), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(page.time("soon"), "soon");
        assert_eq!(printable("a\x1b[31m\nб"), "a\\u{1b}[31m\\nб");
        assert_eq!(fitted("abcdef", 4), "abc…");
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7, "  "), "one two\n  three\n");
        assert_eq!(wrapped("a  b", 80, ""), "a  b\n");
        assert_eq!(wrapped("unbreakable", 4, ""), "unbreakable\n");
        assert_eq!(wrapped("", 4, ""), "\n");
    }
}
