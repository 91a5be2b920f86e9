//! One entity among all: what happened to it, hop by hop, and its figures beside everyone's. An entity is whatever shares
//! a value of a field: a user, a session, an endpoint, a tenant, a release, an order.

mod answer;
mod compared;
mod everyone;
mod happened;
mod judge;
mod sample;
mod subject;
mod whole;

use crawlspace_model::UnixNanos;
use crawlspace_query::{Asking, Range};

use crate::trees::{Texts, Tree};
use crate::{Error, Insight, Verdict};
pub use answer::{
    Entity, EntityCompleteness, EntityEvent, EntityHop, EntityTrace, EntityVerdict, Everyone,
    Figures, Finding, Measure, Source,
};
use sample::Sample;
use subject::Unit;

/// Traces that are shown, for who does not say.
const TRACES_SHOWN: usize = 10;
/// Traces of the entity that are read and compared, the newest.
pub(crate) const TRACES_MAX: usize = 50;

/// Which entity, and when.
#[derive(Debug, Clone, Default)]
pub struct EntityRequest {
    pub field: String,
    pub value: String,
    pub range: Range,
    /// Traces to show, at most 50; 10 without.
    pub limit: Option<usize>,
}

/// What has been read of an entity.
struct Read {
    texts: Texts,
    unit: Unit,
    /// Its traces, the newest first.
    its: Vec<Tree>,
    others: Sample,
}

impl Insight {
    /// What happened to an entity, and how it fares beside all others.
    ///
    /// # Errors
    /// There is no such field, a time is none, or data can't be read.
    pub async fn entity(&self, request: &EntityRequest, now: UnixNanos) -> Result<Entity, Error> {
        let started = std::time::Instant::now();
        let asking = Asking {
            now,
            ..Asking::default()
        };
        let limit = request.limit.unwrap_or(TRACES_SHOWN);
        if limit == 0 || limit > TRACES_MAX {
            return Err(Error::Request(format!(
                "`limit` is from 1 to {TRACES_MAX} traces"
            )));
        }
        let subject = self.subject(request, &asking).await?;
        let mut texts = Texts::default();
        let its = self.its_traces(&subject, &mut texts, &asking).await?;
        let own = texts.number(&subject.value);
        let unit = Unit::of(&its.traces, own, &subject, &texts);
        let others = self.others(&subject, &its, &mut texts, &asking).await?;
        let read = Read {
            texts,
            unit,
            its: its.traces,
            others,
        };
        let figures = self
            .figures(&subject, &read.unit, its.condition.as_deref(), &asking)
            .await?;
        let everyone = self.everyone(&subject, &read, &figures, &asking).await?;
        let mut judged = self
            .judge(&subject, &read, &figures, everyone.as_ref(), &asking)
            .await?;
        let is_told = judged.verdict != EntityVerdict::CannotTell;
        if is_told && read.others.completeness.verdict == Verdict::CannotTell {
            let doubts = read.others.completeness.doubts.join("; ");
            judged.verdict = EntityVerdict::CannotTell;
            judged.statement = format!("cannot tell: {doubts}");
        }
        let shown = &read.its[..limit.min(read.its.len())];
        let traces = happened::traces(shown, &read.texts);
        let events = self.events(&subject, shown, &asking).await?;
        Ok(Entity {
            field: subject.field.clone(),
            value: subject.value.clone(),
            verdict: judged.verdict,
            statement: judged.statement,
            request: read.unit.described(&subject),
            figures,
            everyone: everyone.map(|everyone| everyone.shown),
            findings: judged.findings,
            traces_compared: read.its.len(),
            other_traces_compared: read.others.traces.len(),
            other_traces_are_all: read.others.is_whole,
            traces,
            events,
            completeness: read.others.completeness,
            #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
            elapsed_ms: started.elapsed().as_micros() as f64 / 1e3,
        })
    }
}

#[cfg(test)]
mod tests;
