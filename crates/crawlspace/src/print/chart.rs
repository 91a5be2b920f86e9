//! A time chart in characters: one series as bars with axes, several as one line of blocks each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::number;
use super::table::Answer;
use super::{Page, fitted, printable};

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Lines of a chart of one series.
const HEIGHT: usize = 8;
/// Series that are drawn; more are counted.
const SERIES_MAX: usize = 20;
const LABEL_WIDTH_MAX: usize = 28;
/// Characters of `  least … greatest` behind a line of blocks.
const RANGE_WIDTH: usize = 26;

/// What a calculation is over time, for each group.
struct Series {
    label: String,
    points: Vec<(i64, f64)>,
}

/// The times that a chart spans: whole steps, from the first to the last.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    pub start: i64,
    pub length: i64,
    pub count: usize,
}

/// The answer to a question with a granularity of `step` nanoseconds; `None` if it has no times to draw.
pub fn time_chart(answer: &Answer, groups: usize, step: i64, page: &Page) -> Option<String> {
    let time = answer
        .columns
        .iter()
        .position(|column| column.name == "time" && column.r#type == "timestamp_ns")?;
    let steps = Steps::of(answer.rows.iter().filter_map(|row| nanos(&row[time])), step)?;
    let has_other = answer.columns.get(time + 1 + groups);
    let has_other = has_other.is_some_and(|column| groups > 0 && column.r#type == "boolean");
    let keys = time + 1..time + 1 + groups;
    let calculations = keys.end + usize::from(has_other)..answer.columns.len();
    let mut text = String::new();
    for calculation in calculations {
        let name = &answer.columns[calculation].name;
        let mut series: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        for row in &answer.rows {
            let is_other = has_other && row[keys.end] == Value::Bool(true);
            let label = match is_other {
                true => "(all others)".to_owned(),
                false => row[keys.clone()]
                    .iter()
                    .map(shown)
                    .collect::<Vec<_>>()
                    .join(" · "),
            };
            let (Some(time), Some(value)) = (nanos(&row[time]), float(&row[calculation])) else {
                continue;
            };
            let points = series.entry(label.clone()).or_default();
            if points.is_empty() {
                order.push(label);
            }
            points.push((time, value));
        }
        let series: Vec<Series> = order
            .into_iter()
            .filter_map(|label| {
                let points = series.remove(&label)?;
                Some(Series { label, points })
            })
            .collect();
        _ = writeln!(text, "{}", printable(name));
        text.push_str(&match series.as_slice() {
            [only] if groups == 0 => bars(name, only, steps, page),
            several => lines(name, several, steps, page),
        });
        text.push('\n');
    }
    Some(text)
}

fn bars(name: &str, series: &Series, steps: Steps, page: &Page) -> String {
    let (_, greatest) = range(&series.points);
    let top = number::value(name, greatest);
    let label_width = top
        .chars()
        .count()
        .max(number::value(name, 0.0).chars().count());
    let width = page.chart_width().saturating_sub(label_width + 2).max(10);
    let columns = steps.columns(&series.points, width);
    let mut text = String::new();
    for line in (0..HEIGHT).rev() {
        let label = match line {
            line if line + 1 == HEIGHT => top.clone(),
            0 => number::value(name, 0.0),
            _ => String::new(),
        };
        let cells: String = columns
            .iter()
            .map(|value| {
                let eighths = eighths(*value, greatest, HEIGHT);
                block(eighths.saturating_sub(line * BLOCKS.len()))
            })
            .collect();
        _ = writeln!(text, "{label:>label_width$} ┤{}", cells.trim_end());
    }
    let axis = steps.axis(columns.len(), page);
    _ = writeln!(text, "{:label_width$} └{}", "", "─".repeat(columns.len()));
    _ = writeln!(text, "{:label_width$}  {axis}", "");
    text
}

fn lines(name: &str, series: &[Series], steps: Steps, page: &Page) -> String {
    let label_width = series
        .iter()
        .take(SERIES_MAX)
        .map(|series| series.label.chars().count())
        .max()
        .unwrap_or_default()
        .min(LABEL_WIDTH_MAX);
    let width = page
        .chart_width()
        .saturating_sub(label_width + 4 + RANGE_WIDTH)
        .max(10);
    let mut text = String::new();
    let mut drawn = 0;
    for series in series.iter().take(SERIES_MAX) {
        let (least, greatest) = range(&series.points);
        let columns = steps.columns(&series.points, width);
        drawn = columns.len();
        let cells: String = columns
            .iter()
            .map(|value| block(eighths(*value, greatest, 1)))
            .collect();
        let label = fitted(&series.label, label_width);
        let least = number::value(name, least);
        let greatest = number::value(name, greatest);
        _ = writeln!(
            text,
            "  {label:label_width$}  {cells}  {least} … {greatest}"
        );
    }
    _ = writeln!(text, "  {:label_width$}  {}", "", steps.axis(drawn, page));
    if series.len() > SERIES_MAX {
        let more = series.len() - SERIES_MAX;
        _ = writeln!(text, "  and {more} more series: see them with --table");
    }
    _ = writeln!(
        text,
        "{}",
        page.dimmed("  each line from 0 to its own greatest value; least … greatest behind it")
    );
    text
}

impl Steps {
    pub fn of(times: impl Iterator<Item = i64>, length: i64) -> Option<Self> {
        let (start, end) = times.fold(None, |range: Option<(i64, i64)>, time| {
            let (start, end) = range.unwrap_or((time, time));
            Some((start.min(time), end.max(time)))
        })?;
        let length = length.max(1);
        let count = usize::try_from((end - start) / length).ok()? + 1;
        Some(Self {
            start,
            length,
            count,
        })
    }

    /// Steps that share a character, or characters that share a step, so that all fit `width`.
    pub fn scale(self, width: usize) -> (usize, usize) {
        match self.count.div_ceil(width.max(1)) {
            1 => (1, (width / self.count).clamp(1, 4)),
            steps => (steps, 1),
        }
    }

    /// The greatest value of the steps behind each character.
    fn columns(self, points: &[(i64, f64)], width: usize) -> Vec<Option<f64>> {
        let (steps, characters) = self.scale(width);
        let mut columns = vec![None; self.count.div_ceil(steps)];
        for (time, value) in points {
            let step = usize::try_from((time - self.start) / self.length).unwrap_or_default();
            let column: &mut Option<f64> = &mut columns[(step / steps).min(self.count - 1)];
            *column = Some(column.map_or(*value, |other| other.max(*value)));
        }
        columns
            .into_iter()
            .flat_map(|value| std::iter::repeat_n(value, characters))
            .collect()
    }

    /// The first time at the left and the end of the last step at the right.
    pub fn axis(self, width: usize, page: &Page) -> String {
        let end = self.start + self.length * i64::try_from(self.count).unwrap_or(i64::MAX);
        let form = match (end - self.start) / 1_000_000_000 {
            0..600 => "%H:%M:%S",
            600..86_400 => "%H:%M",
            _ => "%Y-%m-%d %H:%M",
        };
        let left = page.time_as(self.start, form);
        let right = page.time_as(end, form);
        let room = width.saturating_sub(left.len() + right.len());
        match room {
            0 => format!("{left} – {right}"),
            room => format!("{left}{}{right}", " ".repeat(room)),
        }
    }
}

/// How high a value stands, in eighths of a line. What is above 0 can be seen.
fn eighths(value: Option<f64>, greatest: f64, height: usize) -> usize {
    match value {
        Some(value) if value > 0.0 && greatest > 0.0 => {
            let height = (height * BLOCKS.len()) as f64;
            ((value / greatest * height).round() as usize).max(1)
        }
        _ => 0,
    }
}

fn block(eighths: usize) -> char {
    match eighths {
        0 => ' ',
        eighths => BLOCKS[eighths.min(BLOCKS.len()) - 1],
    }
}

fn range(points: &[(i64, f64)]) -> (f64, f64) {
    let values = points.iter().map(|(_, value)| *value);
    values.fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, greatest), value| (least.min(value), greatest.max(value)),
    )
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

pub fn nanos(value: &Value) -> Option<i64> {
    value.as_str()?.parse().ok()
}

/// A number, also where it is so large that it came as text.
pub fn float(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

#[cfg(test)]
mod tests;
