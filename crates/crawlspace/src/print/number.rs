//! Numbers that people can read at a glance: durations with a unit, thousands apart, no more digits than tell something.

/// A duration with the largest unit that leaves a whole number before the point.
pub fn duration(nanos: f64) -> String {
    match nanos.abs() {
        0.0..1e3 if nanos.fract() == 0.0 => format!("{nanos} ns"),
        0.0..1e3 => format!("{nanos:.1} ns"),
        1e3..1e6 => format!("{:.1} µs", nanos / 1e3),
        1e6..1e9 => format!("{:.1} ms", nanos / 1e6),
        1e9..6e10 => format!("{:.2} s", nanos / 1e9),
        6e10..3.6e12 => format!("{:.1} min", nanos / 6e10),
        _ => format!("{:.1} h", nanos / 3.6e12),
    }
}

/// Whole numbers with their thousands apart, others with six digits that count.
pub fn amount(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return grouped(&format!("{number:.0}"));
    }
    let digits = number.abs().log10().floor();
    if !(-4.0..15.0).contains(&digits) {
        return format!("{number:.5e}");
    }
    let decimals = (5.0 - digits).clamp(0.0, 9.0) as usize;
    let text = format!("{number:.decimals$}");
    match text.split_once('.') {
        Some((whole, rest)) => {
            let rest = rest.trim_end_matches('0');
            let point = if rest.is_empty() { "" } else { "." };
            format!("{}{point}{rest}", grouped(whole))
        }
        None => grouped(&text),
    }
}

/// With a comma before every three digits.
pub fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let mut text = sign.to_owned();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whether the values of a column are nanoseconds: the field itself, or what was calculated of it.
pub fn is_duration(column: &str) -> bool {
    match column.split_once('(') {
        None => column == "duration_ns",
        Some((what, of)) => {
            of == "duration_ns)" && !matches!(what, "count" | "count_distinct" | "rate")
        }
    }
}

/// A number of a column, as `is_duration` and the column's name say.
pub fn value(column: &str, number: f64) -> String {
    if is_duration(column) {
        duration(number)
    } else {
        amount(number)
    }
}

pub fn bytes(number: u64) -> String {
    let number = number as f64;
    match number {
        0.0..1024.0 => format!("{number} B"),
        1024.0..1_048_576.0 => format!("{:.1} KiB", number / 1024.0),
        1_048_576.0..1_073_741_824.0 => format!("{:.1} MiB", number / 1_048_576.0),
        _ => format!("{:.2} GiB", number / 1_073_741_824.0),
    }
}

/// `1 span`, `1,200 spans`.
pub fn counted(number: u64, what: &str) -> String {
    let number_text = grouped(&number.to_string());
    format!("{number_text} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{amount, bytes, counted, duration, is_duration};

    #[test]
    fn numbers_read_well() {
        for (nanos, text) in [
            (999.0, "999 ns"),
            (1_500.0, "1.5 µs"),
            (2_000_000.0, "2.0 ms"),
            (45_678_900_000.0, "45.68 s"),
            (61_234_567_890.0, "1.0 min"),
            (7_200e9, "2.0 h"),
            (-5.0, "-5 ns"),
        ] {
            assert_eq!(duration(nanos), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (1_234_567.0, "1,234,567"),
            (-1_000.0, "-1,000"),
            (0.5, "0.5"),
            (12.345_678_9, "12.3457"),
            (98_765.432_1, "98,765.4"),
            (1e-7, "1.00000e-7"),
        ] {
            assert_eq!(amount(number), text);
        }
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(12_000, "row"), "12,000 rows");
    }

    #[test]
    fn only_what_was_calculated_of_a_duration_is_one() {
        for (column, expected) in [
            ("duration_ns", true),
            ("p99(duration_ns)", true),
            ("count_distinct(duration_ns)", false),
            ("count", false),
            ("sum(bytes)", false),
        ] {
            assert_eq!(is_duration(column), expected, "{column}");
        }
    }
}
