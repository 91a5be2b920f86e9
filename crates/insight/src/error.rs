//! What can go wrong, in words for whoever asked.

use crawlspace_model::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Request(String),
    #[error(transparent)]
    Query(#[from] crawlspace_query::Error),
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

impl Error {
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Request(_) => ErrorKind::BadInput,
            Self::Query(error) => error.kind(),
            Self::Arrow(_) => ErrorKind::Internal,
        }
    }
}
