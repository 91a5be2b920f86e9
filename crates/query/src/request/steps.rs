//! Steps of time: aligned to 1970 in UTC, or to the day of a place with another offset; weeks to Mondays.

use crawlspace_lake::catalogue::time_text;
use crawlspace_model::UnixNanos;

use super::range::parse_duration;
use crate::error::Error;

const DAY_NANOS: i64 = 86_400_000_000_000;
/// 1970-01-05, the first Monday.
const MONDAY_NANOS: i64 = 4 * DAY_NANOS;

/// Steps of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Steps {
    pub nanos: i64,
    /// Where some step starts.
    origin: i64,
}

impl Steps {
    /// Steps of a length like `1m`. `offset` is how far the place's clocks are ahead of UTC, like `+02:00`.
    pub(crate) fn parse(length: &str, offset: Option<&str>) -> Result<Self, Error> {
        let nanos = i64::try_from(parse_duration(length)?.as_nanos()).unwrap_or(i64::MAX);
        let offset = offset.map_or(Ok(0), parse_offset)?;
        let monday = if nanos % (7 * DAY_NANOS) == 0 {
            MONDAY_NANOS
        } else {
            0
        };
        Ok(Self {
            nanos,
            origin: monday - offset,
        })
    }

    /// So many steps over that time, of a length that people like to read.
    pub(crate) fn about(count: i64, nanos: i64) -> Self {
        const SECOND: i64 = 1_000_000_000;
        const LENGTHS: [i64; 18] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600,
            43_200, 86_400,
        ];
        let wanted = nanos / count;
        let length = LENGTHS.iter().map(|seconds| seconds * SECOND);
        let day = 86_400 * SECOND;
        let nanos = length
            .into_iter()
            .find(|length| *length >= wanted)
            .unwrap_or_else(|| (wanted / day + 1) * day);
        Self { nanos, origin: 0 }
    }

    /// The start of an event's step.
    pub(crate) fn of_time(&self) -> String {
        let origin = time_text(UnixNanos(self.origin));
        format!(
            "date_bin(INTERVAL '{} nanoseconds', \"time\", TIMESTAMP '{origin}')",
            self.nanos
        )
    }

    /// The start of the step that a time is in.
    pub(crate) fn start_of(&self, time: i64) -> i64 {
        let into = time.saturating_sub(self.origin).rem_euclid(self.nanos);
        time.saturating_sub(into)
    }

    /// The seconds of a step, as far as it is in the range.
    pub(crate) fn seconds(&self, range: Option<(UnixNanos, UnixNanos)>) -> String {
        let Some((start, end)) = range else {
            #[expect(clippy::cast_precision_loss, reason = "seconds as a double")]
            let seconds = self.nanos as f64 / 1e9;
            return format!("{seconds:?}");
        };
        let time = format!("CAST({} AS BIGINT)", self.of_time());
        let (nanos, start, end) = (self.nanos, start.0, end.0);
        // A step after the end is one of clocks that are ahead.
        format!(
            "(CASE WHEN {time} < {end} THEN least({time} + {nanos}, {end}) ELSE {time} + {nanos} END \
             - greatest({time}, {start})) / 1e9"
        )
    }
}

fn parse_offset(text: &str) -> Result<i64, Error> {
    let wrong = || {
        Error::Request(format!(
            "`{text}` is no offset from UTC: write it like +02:00 or -05:30"
        ))
    };
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str, most: i64| {
        let is_plain = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        let number = text.parse::<i64>().ok().filter(|_| is_plain);
        number.filter(|number| *number <= most).ok_or_else(wrong)
    };
    let minutes = number(hours, 14)? * 60 + number(minutes, 59)?;
    Ok(sign * minutes * 60_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::{DAY_NANOS, Steps};

    #[test]
    fn steps_start_at_the_days_of_a_place_and_weeks_on_mondays() {
        let hour = DAY_NANOS / 24;
        for (length, offset, time, start) in [
            ("1m", None, 61_000_000_000, 60_000_000_000),
            ("1d", None, DAY_NANOS + 7, DAY_NANOS),
            ("1d", Some("+02:00"), DAY_NANOS - 3 * hour, -2 * hour),
            (
                "1d",
                Some("+02:00"),
                DAY_NANOS - 2 * hour,
                DAY_NANOS - 2 * hour,
            ),
            ("1d", Some("-05:30"), 0, -DAY_NANOS + 5 * hour + hour / 2),
            ("1w", None, 4 * DAY_NANOS, 4 * DAY_NANOS),
            ("1w", None, 0, -3 * DAY_NANOS),
        ] {
            let steps = Steps::parse(length, offset).unwrap();
            assert_eq!(steps.start_of(time), start, "{length} {offset:?} {time}");
        }
        for wrong in ["02:00", "+2:00", "+15:00", "+02:60", "UTC", ""] {
            assert!(Steps::parse("1d", Some(wrong)).is_err(), "{wrong}");
        }
    }
}
