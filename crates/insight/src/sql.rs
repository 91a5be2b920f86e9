//! Pieces of SQL: names and texts as literals, moments as conditions.

use crawlspace_model::UnixNanos;
use crawlspace_query::time_conditions;

/// A field as an SQL identifier.
pub(crate) fn name(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

/// A text as an SQL literal.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// What a condition says of a field that may be absent.
pub(crate) fn is(field: &str, value: Option<&str>) -> String {
    let field = name(field);
    match value {
        Some(value) => format!("{field} = {}", text(value)),
        None => format!("{field} IS NULL"),
    }
}

/// Several literals, for `IN (…)`.
pub(crate) fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<String> = values.into_iter().map(text).collect();
    values.join(", ")
}

/// From when, and until before when; true where neither is given.
pub(crate) fn during(start: Option<UnixNanos>, end: Option<UnixNanos>) -> String {
    match time_conditions((start, end)) {
        conditions if conditions.is_empty() => "TRUE".to_owned(),
        conditions => conditions.join(" AND "),
    }
}
