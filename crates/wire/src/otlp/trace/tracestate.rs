//! How many spans one span stands for, by the W3C `tracestate` of OpenTelemetry's probability
//! sampling.

/// 2^56: thresholds are numbers of 56 bits.
const THRESHOLD_END: u64 = 1 << 56;
const THRESHOLD_DIGITS: usize = 14;

/// The weight `2^56 / (2^56 - T)` for the rejection threshold T in the member `ot=...;th:<hex>`; 1
/// when it is absent or malformed.
///
/// Source: OpenTelemetry specification, "TraceState: Probability Sampling": 1 to 14 lower-case hex
/// digits, trailing zeros left out.
pub(in crate::otlp) fn sample_weight(trace_state: &str) -> f64 {
    threshold(trace_state).map_or(1.0, |threshold| {
        THRESHOLD_END as f64 / (THRESHOLD_END - threshold) as f64
    })
}

fn threshold(trace_state: &str) -> Option<u64> {
    let member = trace_state
        .split(',')
        .find_map(|member| member.trim().strip_prefix("ot="))?;
    let digits = member
        .split(';')
        .find_map(|part| part.strip_prefix("th:"))?;
    let is_hex = digits
        .bytes()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || digits.len() > THRESHOLD_DIGITS {
        return None;
    }
    let number = u64::from_str_radix(digits, 16).ok()?;
    Some(number << (4 * (THRESHOLD_DIGITS - digits.len())))
}

#[cfg(test)]
mod tests {
    use super::sample_weight;

    #[test]
    fn weight_is_the_inverse_of_the_sampling_probability() {
        for (trace_state, weight) in [
            ("", 1.0),
            ("ot=th:0", 1.0),
            ("ot=th:8", 2.0),
            ("ot=th:c", 4.0),
            ("ot=th:fd70a3d70a3d71", 100.0),
            ("ot=th:ffffffffffffff", 72_057_594_037_927_936.0),
            ("vendor=1, ot=rv:00000000000001;th:e ,b=th:8", 8.0),
            ("ot=th:", 1.0),
            ("ot=th:C", 1.0),
            ("ot=th:+8", 1.0),
            ("ot=th:100000000000000", 1.0),
            ("not=th:8", 1.0),
            ("ot=rv:8", 1.0),
            ("th:8", 1.0),
        ] {
            let got = sample_weight(trace_state);
            assert!(
                (got - weight).abs() <= weight * 1e-12,
                "{trace_state}: {got}"
            );
        }
    }
}
