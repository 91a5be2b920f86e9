//! Numbers in sentences: short, and the same everywhere.

const UNITS: [(f64, &str); 4] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];

/// Nanoseconds, as `2.1 s` or `340 ms`.
#[must_use]
pub fn duration(nanos: f64) -> String {
    let (size, unit) = UNITS
        .into_iter()
        .find(|(size, _)| nanos.abs() >= *size)
        .unwrap_or((1.0, "ns"));
    format!("{} {unit}", number(nanos / size))
}

/// A share of all, as `3.2%` or `less than 0.01%`.
#[must_use]
pub fn share(part: f64) -> String {
    let percent = part * 100.0;
    if part > 0.0 && percent < 0.01 {
        "less than 0.01%".to_owned()
    } else if part < 1.0 && percent > 99.99 {
        "more than 99.99%".to_owned()
    } else {
        format!("{}%", number(percent))
    }
}

/// Two significant digits, and all those before the point.
#[must_use]
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    let digits = if magnitude >= 9.95 || magnitude == 0.0 {
        0
    } else if magnitude >= 0.995 {
        1
    } else if magnitude >= 0.0995 {
        2
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A place in a row: `first` to `third`, then in digits.
#[must_use]
pub fn ordinal(number: u32) -> String {
    match number {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        _ => {
            let ending = match (number % 10, number % 100) {
                (1, rest) if rest != 11 => "st",
                (2, rest) if rest != 12 => "nd",
                (3, rest) if rest != 13 => "rd",
                _ => "th",
            };
            format!("{number}{ending}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, number, ordinal, share};

    #[test]
    fn ordinals_are_words_up_to_the_third() {
        for (place, text) in [
            (1, "first"),
            (3, "third"),
            (4, "4th"),
            (11, "11th"),
            (22, "22nd"),
        ] {
            assert_eq!(ordinal(place), text);
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (2.14, "2.1"),
            (9.96, "10"),
            (340.4, "340"),
            (0.123, "0.12"),
            (0.0456, "0.046"),
            (1_234_567.8, "1234568"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn durations_have_the_largest_unit_that_fits() {
        for (nanos, text) in [
            (0.0, "0 ns"),
            (999.0, "999 ns"),
            (2_100_000_000.0, "2.1 s"),
            (340_000_000.0, "340 ms"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn shares_never_round_to_all_or_nothing() {
        for (part, text) in [
            (0.0, "0%"),
            (1.0, "100%"),
            (0.5, "50%"),
            (0.000_01, "less than 0.01%"),
            (0.999_999, "more than 99.99%"),
        ] {
            assert_eq!(share(part), text);
        }
    }
}
