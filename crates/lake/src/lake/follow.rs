//! Following a table: its rows as they become visible, each once. Who falls behind loses whole batches, and is told of
//! how many rows.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use arrow::array::RecordBatch;
use crawlspace_model::Table;
use tokio::sync::Notify;

use super::Lake;
use crate::error::Error;

/// So many may follow at one time.
pub const FOLLOWERS_MAX: usize = 16;
/// Rows that wait for one of them take no more than this, but for a single batch.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// One who is given the rows of a table from a moment on. Dropped, it ends.
#[derive(Debug)]
pub struct Follower {
    queue: Arc<Queue>,
    /// Rows of log records below this were visible before.
    pub position: u64,
}

/// Rows that have become visible since the last time.
#[derive(Debug, Default)]
pub struct News {
    pub rows: Vec<RecordBatch>,
    /// Further rows, for which there was no room.
    pub left_out: u64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    news: News,
    bytes: usize,
}

/// Those who follow.
#[derive(Debug, Default)]
pub(crate) struct Followers(Vec<(Table, Weak<Queue>)>);

impl Followers {
    /// Hands rows to those who follow their table.
    pub(crate) fn tell(&mut self, table: Table, rows: &RecordBatch) {
        self.0.retain(|(_, queue)| queue.strong_count() > 0);
        for (_, queue) in self.0.iter().filter(|(followed, _)| *followed == table) {
            if let Some(queue) = queue.upgrade() {
                queue.put(rows);
            }
        }
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of the queue panics")
    }

    fn put(&self, rows: &RecordBatch) {
        let bytes = rows.get_array_memory_size();
        let mut waiting = self.waiting();
        if waiting.bytes > 0 && waiting.bytes + bytes > WAITING_BYTES_MAX {
            waiting.news.left_out += rows.num_rows() as u64;
        } else {
            waiting.bytes += bytes;
            waiting.news.rows.push(rows.clone());
        }
        drop(waiting);
        self.changed.notify_one();
    }
}

impl Follower {
    /// Waits until there is news.
    pub async fn ready(&self) {
        while self.queue.waiting().news.is_empty() {
            self.queue.changed.notified().await;
        }
    }

    /// What there is now.
    #[must_use]
    pub fn take(&self) -> News {
        std::mem::take(&mut *self.queue.waiting()).news
    }
}

impl News {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.left_out == 0
    }
}

impl Lake {
    /// Follows a table from now on.
    ///
    /// # Errors
    /// So many follow already as may.
    pub fn follow(&self, table: Table) -> Result<Follower, Error> {
        let mut state = self.state();
        let position = state.position;
        let followers = &mut state.followers.0;
        followers.retain(|(_, queue)| queue.strong_count() > 0);
        if followers.len() >= FOLLOWERS_MAX {
            return Err(Error::Followed {
                limit: FOLLOWERS_MAX,
            });
        }
        let queue = Arc::new(Queue::default());
        followers.push((table, Arc::downgrade(&queue)));
        Ok(Follower { queue, position })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use crawlspace_model::Table;

    use super::{Followers, Queue, WAITING_BYTES_MAX};

    fn rows(values: std::ops::Range<i64>) -> RecordBatch {
        let values: Arc<dyn arrow::array::Array> = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("x", values)]).unwrap()
    }

    #[test]
    fn what_finds_no_room_is_counted_and_the_rest_comes_once() {
        let queue = Arc::new(Queue::default());
        let mut followers = Followers(vec![(Table::Spans, Arc::downgrade(&queue))]);
        followers.tell(Table::Spans, &rows(0..3));
        followers.tell(Table::Logs, &rows(0..9));
        let large: Arc<dyn arrow::array::Array> =
            Arc::new(StringArray::from(vec!["x".repeat(WAITING_BYTES_MAX)]));
        followers.tell(
            Table::Spans,
            &RecordBatch::try_from_iter([("x", large)]).unwrap(),
        );
        followers.tell(Table::Spans, &rows(3..5));
        let news = std::mem::take(&mut *queue.waiting()).news;
        let counts: Vec<usize> = news.rows.iter().map(RecordBatch::num_rows).collect();
        assert_eq!((counts, news.left_out), (vec![3, 2], 1));
        assert!(std::mem::take(&mut *queue.waiting()).news.is_empty());
        drop(queue);
        followers.tell(Table::Spans, &rows(0..1));
        assert!(followers.0.is_empty(), "who went away is forgotten");
    }
}
