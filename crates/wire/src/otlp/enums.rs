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
