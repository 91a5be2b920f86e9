//! The forms of an answer, and which one a request wants: by `?format=`, else by `Accept` (RFC 9110, section 12.5.1).

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use crawlspace_wire::otlp::ContentType;
use serde::Deserialize;

use crate::parameters::Parameters;
use crate::problem::Problem;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    NdJson,
    Csv,
    Arrow,
    Parquet,
    /// OTLP/JSON.
    Otlp,
    OtlpProtobuf,
}

impl Format {
    /// The one that is taken when all are as good comes first.
    const ALL: [Self; 7] = [
        Self::Json,
        Self::NdJson,
        Self::Csv,
        Self::Arrow,
        Self::Parquet,
        Self::Otlp,
        Self::OtlpProtobuf,
    ];

    /// As in `?format=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Otlp => "otlp",
            Self::OtlpProtobuf => "otlp-protobuf",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Otlp => "application/x-ndjson",
            Self::OtlpProtobuf => "application/x-protobuf",
        }
    }

    /// Whether it holds events themselves, and how.
    pub fn otlp(self) -> Option<ContentType> {
        match self {
            Self::Otlp => Some(ContentType::Json),
            Self::OtlpProtobuf => Some(ContentType::Protobuf),
            _ => None,
        }
    }

    fn is_in(self, range: &str) -> bool {
        let own = self.media_type().split(';').next().unwrap_or_default();
        let aliases: &[&str] = match self {
            Self::NdJson => &["application/jsonl", "application/ndjson"],
            Self::OtlpProtobuf => &["application/protobuf"],
            // Other JSON has its media type.
            Self::Otlp => return false,
            _ => &[],
        };
        range == "*/*"
            || range == own
            || aliases.contains(&range)
            || range
                .strip_suffix('*')
                .is_some_and(|family| family.ends_with('/') && own.starts_with(family))
    }
}

/// Names a form of the answer.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormatParameters {
    /// `json`, `ndjson`, `csv`, `arrow` or `parquet`; for events themselves also `otlp` (JSON) or `otlp-protobuf`; goes
    /// before `Accept`.
    #[param(example = "csv")]
    format: Option<String>,
}

/// The form that a request wants.
pub(crate) struct Wanted(pub Format);

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Parameters(FormatParameters { format }) =
            Parameters::from_request_parts(parts, state).await?;
        wanted(format.as_deref(), &parts.headers).map(Self)
    }
}

fn wanted(name: Option<&str>, headers: &HeaderMap) -> Result<Format, Problem> {
    if let Some(name) = name {
        let format = Format::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name));
        return format.ok_or_else(|| unknown(name));
    }
    let accepts: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let accept = accepts.join(",").to_ascii_lowercase();
    if accept.trim().is_empty() {
        return Ok(Format::Json);
    }
    let ranges: Vec<(&str, f32)> = accept.split(',').map(range).collect();
    let mut best: Option<(Format, f32)> = None;
    for format in Format::ALL {
        // The most specific range that a form is in says how much it is wanted.
        let quality = ranges
            .iter()
            .filter(|(range, _)| format.is_in(range))
            .max_by_key(|(range, _)| (!range.ends_with('*'), *range != "*/*"))
            .map_or(0.0, |(_, quality)| *quality);
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((format, quality));
        }
    }
    best.map(|(format, _)| format)
        .ok_or_else(|| unknown(&accept))
}

/// A media range and its quality.
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let quality = parts.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok());
    (range, quality.unwrap_or(1.0))
}

fn unknown(asked: &str) -> Problem {
    let known: Vec<String> = Format::ALL
        .iter()
        .map(|format| {
            let media_type = format.media_type().split(';').next().unwrap_or_default();
            format!("{media_type} (format={})", format.name())
        })
        .collect();
    Problem::not_acceptable(format!(
        "answers are not given as `{asked}`: ask for {}",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header::ACCEPT};

    use super::{Format, wanted};

    #[test]
    fn the_form_is_the_one_that_is_wanted_most() {
        for (name, accept, expected) in [
            (None, "", Some(Format::Json)),
            (None, "*/*", Some(Format::Json)),
            (
                None,
                "text/html, application/xhtml+xml, */*;q=0.8",
                Some(Format::Json),
            ),
            (None, "text/csv", Some(Format::Csv)),
            (
                None,
                "Text/CSV; q=0.5, application/x-ndjson;q=0.9",
                Some(Format::NdJson),
            ),
            (None, "application/*;q=0.2, text/*", Some(Format::Csv)),
            (None, "application/json;q=0, */*", Some(Format::NdJson)),
            (None, "application/jsonl", Some(Format::NdJson)),
            (
                None,
                "application/vnd.apache.arrow.stream",
                Some(Format::Arrow),
            ),
            (
                None,
                "application/vnd.apache.parquet",
                Some(Format::Parquet),
            ),
            (None, "application/x-protobuf", Some(Format::OtlpProtobuf)),
            (Some("otlp"), "application/x-protobuf", Some(Format::Otlp)),
            (None, "text/html", None),
            (None, "application/json;q=0", None),
            (Some("csv"), "application/json", Some(Format::Csv)),
            (Some("Parquet"), "", Some(Format::Parquet)),
            (Some("xml"), "*/*", None),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(wanted(name, &headers).ok(), expected, "{name:?} {accept}");
        }
    }
}
