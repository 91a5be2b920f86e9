//! Times as people write them: points, lengths, and the range that a question is about.

use std::time::Duration;

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use crawlspace_lake::catalogue::time_text;
use crawlspace_model::UnixNanos;

use crate::error::Error;

/// Times that can be asked for, the years 1678 to 2261 in nanoseconds since 1970: 64 bits reach a little further.
const TIMES: std::ops::Range<i64> = -9_214_560_000_000_000_000..9_214_646_400_000_000_000;

/// Related spans, and earlier points of a metric, are looked for so far around the range asked for.
pub const REACH_NANOS: i64 = 3_600_000_000_000;

/// From when, and until before when.
pub(crate) type Bounds = (Option<UnixNanos>, Option<UnixNanos>);

/// The times asked for; the end is not included. Times are RFC 3339 or a number since 1970 in seconds, milli-, micro- or
/// nanoseconds, told apart by their size.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// So long until now, like `1h`.
    #[serde(default)]
    pub last: Option<String>,
    #[serde(default)]
    pub start: Option<String>,
    #[serde(default)]
    pub end: Option<String>,
}

impl Range {
    /// The range from one moment until before another.
    #[must_use]
    pub fn between(start: Option<UnixNanos>, end: Option<UnixNanos>) -> Self {
        let text = |time: UnixNanos| {
            let (first, last) = (UnixNanos(TIMES.start), UnixNanos(TIMES.end - 1));
            format!("{}Z", time_text(time.clamp(first, last)))
        };
        Self {
            last: None,
            start: start.map(text),
            end: end.map(text),
        }
    }

    /// SQL of whether an event is in the range; nothing where all are.
    ///
    /// # Errors
    /// A time is wrong.
    pub fn condition(&self, now: UnixNanos) -> Result<Option<String>, Error> {
        let conditions = time_conditions(self.bounds(now)?);
        Ok((!conditions.is_empty()).then(|| conditions.join(" AND ")))
    }

    /// From when, and until before when.
    ///
    /// # Errors
    /// A time can't be read, or `last` stands beside `start` or `end`.
    pub fn bounds(&self, now: UnixNanos) -> Result<Bounds, Error> {
        if let Some(last) = &self.last {
            if self.start.is_some() || self.end.is_some() {
                return Err(Error::Request(
                    "`range` takes either `last` or `start` and `end`".to_owned(),
                ));
            }
            let nanos = i64::try_from(parse_duration(last)?.as_nanos()).unwrap_or(i64::MAX);
            return Ok((Some(UnixNanos(now.0.saturating_sub(nanos))), None));
        }
        let time = |text: &Option<String>| text.as_deref().map(parse_time).transpose();
        Ok((time(&self.start)?, time(&self.end)?))
    }
}

/// A point in time as people write or paste it: RFC 3339, or a number since 1970.
///
/// # Errors
/// The text is something else, or out of the years that 64 bits of nanoseconds hold.
pub fn parse_time(text: &str) -> Result<UnixNanos, Error> {
    let time = parse_any_time(text)?;
    if TIMES.contains(&time.0) {
        return Ok(time);
    }
    Err(Error::Request(format!(
        "`{text}` is out of the times that can be asked for: the years 1678 to 2261"
    )))
}

fn parse_any_time(text: &str) -> Result<UnixNanos, Error> {
    if let Ok(number) = text.parse::<i64>() {
        // 10 digits are seconds until the year 2286; each finer unit has three more.
        let scale = match number.unsigned_abs() {
            0..=99_999_999_999 => 1_000_000_000,
            100_000_000_000..=99_999_999_999_999 => 1_000_000,
            100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
            _ => 1,
        };
        return Ok(UnixNanos(number.saturating_mul(scale)));
    }
    string_to_timestamp_nanos(text).map(UnixNanos).map_err(|_| {
        Error::Request(format!(
            "`{text}` is no time: write it like 2026-11-22T10:00:00Z, or as a number since 1970"
        ))
    })
}

/// A length of time like `90s`, `15m`, `1h`, `7d` or `2w`.
///
/// # Errors
/// The text is something else.
pub fn parse_duration(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        Error::Request(format!(
            "`{text}` is no length of time: write it like 30s, 15m, 1h, 7d or 2w"
        ))
    };
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let nanos: u64 = match &text[digits..] {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "w" => 604_800_000_000_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(nanos)
        .filter(|nanos| *nanos > 0)
        .map(Duration::from_nanos)
        .ok_or_else(wrong)
}

/// The bounds as SQL conditions.
#[must_use]
pub fn time_conditions((start, end): Bounds) -> Vec<String> {
    let start = start.map(|start| format!("\"time\" >= TIMESTAMP '{}'", time_text(start)));
    let end = end.map(|end| format!("\"time\" < TIMESTAMP '{}'", time_text(end)));
    start.into_iter().chain(end).collect()
}

#[cfg(test)]
mod tests {
    use crawlspace_model::UnixNanos;

    use super::parse_time;

    #[test]
    fn times_are_of_the_years_that_nanoseconds_reach() {
        for (text, expected) in [
            ("1795391409", 1_795_391_409_000_000_000),
            ("1795391409000", 1_795_391_409_000_000_000),
            ("1678-01-01T00:00:00Z", -9_214_560_000_000_000_000),
            ("2261-12-31T23:59:59Z", 9_214_646_399_000_000_000),
        ] {
            assert_eq!(parse_time(text).unwrap(), UnixNanos(expected), "{text}");
        }
        for far in [
            "9223372036854775807",
            "-9223372036854775808",
            "99999999999",
            "1677-12-31T23:59:59Z",
            "2262-01-01T00:00:00Z",
        ] {
            let error = parse_time(far).unwrap_err().to_string();
            assert!(error.contains("1678 to 2261"), "{error}");
        }
    }
}
