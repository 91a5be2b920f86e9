//! The live tail: events as they become visible, each once, at a pace that a reader and the machine can keep. What is
//! left out is counted.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use crawlspace_lake::{Follower, MemoryBatch};
use crawlspace_model::Table;
use tokio::time::Instant;

use crate::engine::Engine;
use crate::engine::answer::Footer;
use crate::error::Error;
use crate::request::condition_of;
use crate::table::table_named;

/// Between two looks at what is new.
const PACE: Duration = Duration::from_millis(250);
/// Events given at one look.
const EVENTS_MAX: usize = 250;

/// A tail. Dropped, it ends.
#[derive(Debug)]
pub struct Tail {
    engine: Arc<Engine>,
    table: Table,
    sql: String,
    follower: Follower,
    next_look: Instant,
}

/// What is new since the last time.
#[derive(Debug, Default)]
pub struct Glimpse {
    /// By time.
    pub events: Vec<RecordBatch>,
    /// Further events that fit the question: more than are given at a time.
    pub left_out: u64,
    /// Events that were not looked at, since more came than wait for a reader, or time was up.
    pub unread: u64,
}

impl Engine {
    /// Follows a table's events from now on, those that fulfil the condition.
    ///
    /// # Errors
    /// There is no such table, the condition is wrong or names an unknown field, or too many follow already.
    pub fn tail(self: &Arc<Self>, from: &str, condition: Option<&str>) -> Result<Tail, Error> {
        let table = table_named(from)?;
        let condition = condition_of(self.lake.snapshot().table(table), condition)?;
        let filter = condition.map_or_else(String::new, |condition| format!(" WHERE {condition}"));
        Ok(Tail {
            engine: Arc::clone(self),
            table,
            sql: format!("SELECT * FROM {}{filter} ORDER BY \"time\"", table.name()),
            follower: self.lake.follow(table)?,
            next_look: Instant::now(),
        })
    }
}

impl Glimpse {
    /// Counts those of the fresh events that are not given.
    fn count(&mut self, fresh: u64, footer: &Footer) {
        match footer.rows_found {
            Some(found) => self.left_out += found - footer.rows,
            // Time was up: whether the others fit the question is unknown.
            None => self.unread += fresh - footer.rows,
        }
    }
}

impl Tail {
    /// Events of requests below this position of the log are not given: they were there before.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.follower.position
    }

    /// Waits for something new; `None` once the engine closes.
    ///
    /// # Errors
    /// The events can't be looked at.
    pub async fn next(&mut self) -> Result<Option<Glimpse>, Error> {
        let engine = Arc::clone(&self.engine);
        tokio::select! {
            () = engine.closing() => Ok(None),
            glimpse = self.look() => glimpse.map(Some),
        }
    }

    async fn look(&mut self) -> Result<Glimpse, Error> {
        loop {
            self.follower.ready().await;
            tokio::time::sleep_until(self.next_look).await;
            self.next_look = Instant::now() + PACE;
            let news = self.follower.take();
            let mut glimpse = Glimpse {
                unread: news.left_out,
                ..Glimpse::default()
            };
            if !news.rows.is_empty() {
                let count = news.rows.iter().map(|rows| rows.num_rows() as u64).sum();
                let rows = news.rows.into_iter().map(MemoryBatch::new);
                let fresh = (self.table, rows.map(Arc::new).collect());
                let answer = self.engine.ask_fresh(&self.sql, EVENTS_MAX, fresh).await?;
                glimpse.count(count, &answer.footer);
                glimpse.events = answer.batches;
            }
            if glimpse.left_out + glimpse.unread > 0 || !glimpse.events.is_empty() {
                return Ok(glimpse);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Footer, Glimpse};

    #[test]
    fn what_time_did_not_suffice_for_is_unread() {
        for (rows_found, expected) in [(Some(40), (30, 5)), (None, (0, 95))] {
            let footer = Footer {
                rows: 10,
                rows_found,
                ..Footer::default()
            };
            let mut glimpse = Glimpse {
                unread: 5,
                ..Glimpse::default()
            };
            glimpse.count(100, &footer);
            assert_eq!((glimpse.left_out, glimpse.unread), expected);
        }
    }
}
