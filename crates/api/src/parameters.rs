//! The parameters behind the question mark of a URL; wrong ones are refused with a problem.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use crawlspace_model::ErrorKind;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The parameters of a URL as a `T`.
pub(crate) struct Parameters<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(parameters) = Query::try_from_uri(&parts.uri).map_err(|error| {
            let detail = format!(
                "the URL's parameters are wrong: {}",
                std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string)
            );
            Problem::new(ErrorKind::BadInput, detail)
        })?;
        Ok(Self(parameters))
    }
}
