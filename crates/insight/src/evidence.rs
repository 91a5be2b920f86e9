//! The question behind a number: whoever doubts it asks again.

/// SQL for `POST /api/v1/sql`. Its first row has the numbers that it stands beside, in columns of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Evidence(pub String);
