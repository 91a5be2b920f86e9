//! Why work inside the catalogue stopped, before the error that names the catalogue's path.

/// Becomes an [`crate::Error`] once the path is known.
#[derive(Debug)]
pub(super) enum Failure {
    Sql(sqlx::Error),
    /// What the catalogue holds can't be understood; completes "catalogue `path` ...".
    Unknown(String),
    /// What the caller asks can't be right.
    Refused(String),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}
