//! What is odd now: flows and services whose rate, errors or latency differ from what they were at the same hour of the
//! days before; from the hour before, where they are younger than that. A flow is an operation that requests begin with.

mod answer;
mod judge;
mod told;
mod usual;
mod windows;

use crawlspace_model::UnixNanos;
use crawlspace_query::{Asking, Range};

pub use answer::{Change, Odd, OddFigures, OddFinding, OddMeasure, OddVerdict, Reference};
use windows::{HOUR, Windows};

use crate::{Error, Insight};

/// Findings that are shown, for who does not say.
const FINDINGS_SHOWN: usize = 20;
const FINDINGS_MAX: usize = 1_000;

/// When, and how much.
#[derive(Debug, Clone, Default)]
pub struct OddRequest {
    /// The end of the hour that is asked about; now without.
    pub at: Option<String>,
    /// Findings to give, the worst; 20 without.
    pub limit: Option<usize>,
}

impl Insight {
    /// What differs in the hour until now from what is usual at this hour.
    ///
    /// # Errors
    /// The time is none, or data can't be read.
    pub async fn odd(&self, request: &OddRequest, now: UnixNanos) -> Result<Odd, Error> {
        let limit = request.limit.unwrap_or(FINDINGS_SHOWN);
        if limit > FINDINGS_MAX {
            return Err(Error::Request(format!(
                "`limit` is at most {FINDINGS_MAX} findings"
            )));
        }
        let at = Range {
            end: request.at.clone(),
            ..Range::default()
        };
        let at = at.bounds(now)?.1.unwrap_or(now);
        let mut odd = self.look(at).await?;
        let hour = Range::between(Some(UnixNanos(at.0.saturating_sub(HOUR))), Some(at));
        let snapshot = self.engine.snapshot();
        let completeness = self.completeness(&snapshot, &hour, now).await?;
        odd.findings.truncate(limit);
        if !completeness.is_whole() {
            odd.verdict = OddVerdict::CannotTell;
            odd.statement = format!("cannot tell: {}", completeness.doubts.join("; "));
        }
        odd.completeness = Some(completeness);
        Ok(odd)
    }

    /// The same, whatever is missing.
    pub(crate) async fn look(&self, at: UnixNanos) -> Result<Odd, Error> {
        let asking = Asking {
            now: at,
            ..Asking::default()
        };
        let windows = Windows::before(at);
        let histories = self.histories(&windows, &asking).await?;
        let judged = judge::judge(&histories);
        let findings: Vec<OddFinding> = judged
            .found
            .iter()
            .map(|found| told::finding(found, &windows))
            .collect();
        let verdict = match findings.is_empty() {
            true => OddVerdict::Typical,
            false => OddVerdict::Odd,
        };
        let (start, end) = windows.now();
        Ok(Odd {
            verdict,
            statement: told::statement(&histories, &judged, &findings),
            start: start.0.to_string(),
            end: end.0.to_string(),
            flows: histories.flows(),
            services: histories.services(),
            flows_left_out: histories.left_out,
            days: histories.days.len(),
            tests: judged.tests,
            found: findings.len(),
            findings,
            completeness: None,
        })
    }
}

#[cfg(test)]
mod tests;
