//! OTLP's enums as the texts of columns. A number that OTLP doesn't name is its digits.

use std::borrow::Cow;

/// The text of each number from 0.
pub(super) type Names = &'static [&'static str];

pub(super) const SPAN_KIND: Names = &[
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
pub(super) const STATUS_CODE: Names = &["unset", "ok", "error"];
pub(super) const TEMPORALITY: Names = &["unspecified", "delta", "cumulative"];

pub(super) fn name_of(names: Names, number: i32) -> Cow<'static, str> {
    let name = usize::try_from(number).ok().and_then(|at| names.get(at));
    name.map_or_else(|| number.to_string().into(), |name| Cow::Borrowed(*name))
}

/// What [`name_of`] has made a text of; 0 for others.
pub(super) fn number_of(names: Names, text: &str) -> i32 {
    let at = names.iter().position(|name| *name == text);
    let number = at.map_or_else(|| text.parse().ok(), |at| i32::try_from(at).ok());
    number.unwrap_or_default()
}
