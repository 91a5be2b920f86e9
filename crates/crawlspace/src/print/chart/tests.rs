use super::time_chart;
use crate::print::{Page, heatmap};

const FOOTER: &str = r#"{"rows":2,"cut":false,"elapsed_ms":1.25,"parts_scanned":1,"sampled":false,"damaged_parts":0}"#;
const MINUTE: i64 = 60_000_000_000;

fn answer(columns: &str, rows: &str) -> crate::print::table::Answer {
    let json = format!(r#"{{"columns":[{columns}],"rows":[{rows}],"footer":{FOOTER}}}"#);
    serde_json::from_str(&json).unwrap()
}

#[test]
fn one_series_is_bars_with_axes_and_gaps_stay_empty() {
    let answer = answer(
        r#"{"name":"time","type":"timestamp_ns"},{"name":"p50(duration_ns)","type":"int64"}"#,
        r#"["0",1000000],["60000000000",2000000],["180000000000",4000000]"#,
    );
    let text = time_chart(&answer, 0, MINUTE, &Page::plain()).unwrap();
    let expected = "p50(duration_ns)
4.0 ms ┤            ████
       ┤            ████
       ┤            ████
       ┤            ████
       ┤    ████    ████
       ┤    ████    ████
       ┤████████    ████
  0 ns ┤████████    ████
       └────────────────
        00:00:00 – 00:04:00

";
    assert_eq!(text, expected);
}

#[test]
fn groups_are_lines_of_their_own_and_fit_the_width() {
    let rows: Vec<String> = (0..500_i64)
        .flat_map(|i| {
            let time = i * MINUTE;
            [
                format!(r#"["{time}","shop",{}]"#, i + 1),
                format!(r#"["{time}",null,1]"#),
            ]
        })
        .collect();
    let answer = answer(
        r#"{"name":"time","type":"timestamp_ns"},{"name":"service.name","type":"string"},{"name":"count","type":"uint64"}"#,
        &rows.join(","),
    );
    let text = time_chart(&answer, 1, MINUTE, &Page::plain()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("  shop    ▁"), "{text}");
    assert!(lines[1].ends_with("█  1 … 500"), "{text}");
    assert!(lines[2].starts_with("  (none)  ██"), "{text}");
    assert!(lines[3].trim_start().starts_with("00:00"), "{text}");
    assert!(lines[3].ends_with("08:20"), "{text}");
    assert!(
        lines.iter().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn a_heatmap_is_a_grid_of_shades_with_its_values_at_the_side() {
    let answer = answer(
        r#"{"name":"time","type":"timestamp_ns"},{"name":"bin_start","type":"float64"},{"name":"bin_end","type":"float64"},{"name":"count","type":"float64"}"#,
        r#"["0",1000,2000,1],["60000000000",1000,2000,100],["60000000000",4000,8000,30]"#,
    );
    let text = heatmap::heatmap(&answer, "heatmap(duration_ns)", &Page::plain()).unwrap();
    assert!(text.starts_with("heatmap(duration_ns)\n"), "{text}");
    let drawn: Vec<&str> = text.lines().skip(1).collect();
    assert!(drawn[0].starts_with("8.0 µs ┤    ▓"), "{text}");
    assert_eq!(drawn[1].trim_end(), "2.0 µs ┤", "nothing is from 2 to 4 µs");
    assert!(drawn[2].contains("1.0 µs ┤░░░░████"), "{text}");
    assert!(text.contains("░ 1"), "{text}");
}
