//! What is odd now: a sentence each, the worst first.

use serde::Deserialize;

use super::number::counted;
use super::{Page, printable, wrapped};

#[derive(Deserialize)]
struct Odd {
    verdict: String,
    statement: String,
    start: String,
    end: String,
    flows: u64,
    services: u64,
    days: u64,
    tests: u64,
    found: u64,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    statement: String,
    reference: String,
    hours: u64,
}

/// The JSON of what is odd as text.
pub fn odd(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let odd: Odd = serde_json::from_slice(json)?;
    let width = page.chart_width();
    let mut text = String::new();
    if odd.verdict != "odd" || odd.findings.is_empty() {
        text += &wrapped(&printable(&odd.statement), width, "");
    }
    for (number, finding) in odd.findings.iter().enumerate() {
        let statement = format!("{}. {}", number + 1, printable(&finding.statement));
        text += &wrapped(&statement, width, "   ");
        let with = match finding.reference.as_str() {
            "same_hour" => format!("{} of the same hour", counted(finding.hours, "earlier day")),
            _ => "the hour before".to_owned(),
        };
        let more = format!("   compared with {with}");
        text += &page.dimmed(&wrapped(&printable(&more), width, "   "));
    }
    let left_out = odd.found.saturating_sub(odd.findings.len() as u64);
    if left_out > 0 {
        text += &format!("and {}: raise --limit\n", counted(left_out, "more finding"));
    }
    let footer = format!(
        "{} to {} · {}, {} · {} of the same hour · {}",
        page.time(&odd.start),
        page.time(&odd.end),
        counted(odd.flows, "flow"),
        counted(odd.services, "service"),
        counted(odd.days, "day"),
        counted(odd.tests, "test"),
    );
    text += &page.dimmed(&wrapped(&footer, width, "  "));
    Ok(text)
}
