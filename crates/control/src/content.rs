//! What texts of people may hold, so that they can be shown anywhere.

use crate::Error;

/// A member of something that people wrote.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    pub what: &'static str,
    pub name: &'static str,
}

impl Member {
    pub fn wrong(self, problem: impl Into<String>) -> Error {
        Error::Content {
            what: self.what,
            member: self.name,
            problem: problem.into(),
        }
    }

    /// One line that says something, without spaces around it.
    pub fn line(self, text: &str, chars_max: usize) -> Result<String, Error> {
        let line = self.text(text, chars_max)?;
        match line.is_empty() || line.contains('\n') {
            true => Err(self.wrong(format!("is one line of 1 to {chars_max} characters"))),
            false => Ok(line),
        }
    }

    /// Lines, or nothing.
    pub fn text(self, text: &str, chars_max: usize) -> Result<String, Error> {
        let text = text.trim().replace("\r\n", "\n");
        if text.chars().count() > chars_max {
            return Err(self.wrong(format!("has at most {chars_max} characters")));
        }
        if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            return Err(self.wrong("holds a control character"));
        }
        Ok(text)
    }
}
