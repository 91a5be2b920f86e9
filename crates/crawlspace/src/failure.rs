//! Why a command did not do its work, and the exit code that says so.

use std::fmt;

/// Each kind has its exit code; 2 is also what the command line's own mistakes end with.
#[derive(Debug)]
pub enum Failure {
    /// The question or the data is wrong, or there is no such thing.
    Wrong(String),
    /// The command line is.
    Usage(String),
    /// No server answers.
    Unreachable(String),
    /// The server does not know who asks, or does not let them.
    NotAllowed(String),
    /// The server, or this machine, could not do it.
    Trouble(anyhow::Error),
}

impl Failure {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Wrong(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::NotAllowed(_) => 4,
            Self::Trouble(_) => 5,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(text)
            | Self::Usage(text)
            | Self::Unreachable(text)
            | Self::NotAllowed(text) => f.write_str(text),
            Self::Trouble(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Trouble(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Trouble(error.into())
    }
}
