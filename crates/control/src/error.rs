//! What can go wrong with what people configured. No message holds a secret.

use std::path::PathBuf;

use crawlspace_model::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{}` can't be made readable by its owner only", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("database `{}`: {source}", path.display())]
    Database { path: PathBuf, source: sqlx::Error },
    /// What the database holds can't be understood; `problem` completes "database `path` …".
    #[error("database `{}` {problem}", path.display())]
    Unknown { path: PathBuf, problem: String },
    #[error("there is no key {number}: list them with `crawlspace key list`")]
    NoSuchKey { number: u32 },
    #[error("there are {max} keys already, the most there can be")]
    TooManyKeys { max: usize },
    #[error("a key's name is one line of at most {max} characters")]
    Name { max: usize },
    #[error("unknown scope `{scope}`: use ingest, browser, read or admin")]
    Scope { scope: String },
    #[error(
        "`{text}` is not the origin of a page: give scheme, host and port as the browser does, like https://shop.example"
    )]
    WebOrigin { text: String },
    #[error(
        "a browser key needs the origins of the pages that may use it, like https://shop.example"
    )]
    NoOrigins,
    #[error(
        "a key for {scope} has no origins: only browser keys have, as they can be read by anyone"
    )]
    NeedlessOrigins { scope: &'static str },
    #[error("a key has at most {max} origins")]
    TooManyOrigins { max: usize },
    #[error("there is no {what} {number}: it was deleted, or never made")]
    NoSuch { what: &'static str, number: u32 },
    #[error("{what} {number} was made by {by}: only that key, or one for admin, may change it")]
    NotYours {
        what: &'static str,
        number: u32,
        by: String,
    },
    #[error("there are {max} {what} already, the most there can be: delete some first")]
    Full { what: &'static str, max: usize },
    /// `problem` completes "the `what`'s `member` …".
    #[error("the {what}'s `{member}` {problem}")]
    Content {
        what: &'static str,
        member: &'static str,
        problem: String,
    },
}

impl Error {
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::Database { .. } => ErrorKind::Unavailable,
            Self::Unknown { .. } => ErrorKind::Corrupt,
            Self::NoSuchKey { .. } | Self::NoSuch { .. } => ErrorKind::NotFound,
            Self::NotYours { .. } => ErrorKind::Forbidden,
            Self::TooManyKeys { .. }
            | Self::Name { .. }
            | Self::Scope { .. }
            | Self::WebOrigin { .. }
            | Self::NoOrigins
            | Self::NeedlessOrigins { .. }
            | Self::TooManyOrigins { .. }
            | Self::Full { .. }
            | Self::Content { .. } => ErrorKind::BadInput,
        }
    }
}
