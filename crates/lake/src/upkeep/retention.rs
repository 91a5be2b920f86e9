//! Retention: parts whose rows are all older than wanted are retired, and so are the oldest ones beyond the wanted
//! size. A column whose last part is gone is free again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crawlspace_model::{Table, UnixNanos};

use crate::catalogue::{Change, Part};
use crate::columns::Columns;
use crate::error::Error;
use crate::lake::Lake;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How long and how much to keep. Plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// For each table, in the order of [`Table::ALL`]: rows received longer ago than this may go.
    pub age: [Duration; 4],
    /// What all parts together may take; the oldest go first.
    pub size_bytes_max: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            age: [30 * DAY; 4],
            size_bytes_max: None,
        }
    }
}

/// What a pass of retention ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retired {
    pub parts: usize,
    pub rows: u64,
    pub bytes: u64,
    /// Columns that are free again.
    pub columns: usize,
}

impl Lake {
    /// Ends the parts that are past retention, in one commit. Their objects go later, as after a compaction.
    ///
    /// # Errors
    /// The catalogue can't commit; all parts stay then.
    pub async fn retire(&self) -> Result<Retired, Error> {
        let _merging = self.merging.lock().await;
        let (past, kept) = self.past_retention();
        // A flush may be writing a part with a column that only it needs: columns wait for the next pass then.
        let flushing = self.flushing.try_lock();
        let unused = if flushing.is_ok() {
            self.unused_columns(&kept)
        } else {
            Vec::new()
        };
        let retired = Retired {
            parts: past.len(),
            rows: past.iter().map(|part| part.meta.rows).sum(),
            bytes: past.iter().map(|part| part.meta.size_bytes).sum(),
            columns: unused.iter().map(|(_, _, dropped)| dropped.len()).sum(),
        };
        if retired == Retired::default() {
            return Ok(retired);
        }
        let dropped = unused
            .iter()
            .flat_map(|(table, _, dropped)| dropped.iter().map(|column| (*table, *column)));
        let change = Change {
            removed_parts: past.iter().map(|part| part.id).collect(),
            dropped_columns: dropped.collect(),
            ..Change::default()
        };
        let columns = unused
            .into_iter()
            .map(|(table, columns, _)| (table, columns))
            .collect();
        self.commit(&change, columns, |_| ()).await?;
        Ok(retired)
    }

    /// Parts past retention, and all others.
    fn past_retention(&self) -> (Vec<Arc<Part>>, Vec<Arc<Part>>) {
        let retention = &self.config.retention;
        let limits = retention.age.map(|age| self.ago(age));
        let is_old = |part: &Arc<Part>| part.meta.received_max < limits[part.meta.table as usize];
        let (mut past, mut kept): (Vec<_>, Vec<_>) = self.parts().into_iter().partition(is_old);
        if let Some(bytes_max) = retention.size_bytes_max {
            let mut bytes: u64 = kept.iter().map(|part| part.meta.size_bytes).sum();
            kept.sort_by_key(|part| (part.meta.received_max, part.id));
            let beyond = kept.iter().take_while(|part| {
                let is_beyond = bytes > bytes_max;
                bytes = bytes.saturating_sub(part.meta.size_bytes);
                is_beyond
            });
            let beyond = beyond.count();
            past.extend(kept.drain(..beyond));
        }
        (past, kept)
    }

    /// For each table that has some: the columns without those of attributes that none of these parts has, and the ids
    /// of the latter.
    fn unused_columns(&self, kept: &[Arc<Part>]) -> Vec<(Table, Columns, BTreeSet<i64>)> {
        let state = self.state();
        let of_table = |table: Table| {
            let columns = &state.tables[table as usize].columns;
            let attributes = columns.iter().skip(table.fixed_columns().len());
            let mut unused: BTreeSet<i64> = attributes.map(|column| column.id).collect();
            for part in kept.iter().filter(|part| part.meta.table == table) {
                part.meta
                    .columns
                    .iter()
                    .for_each(|id| _ = unused.remove(id));
            }
            (!unused.is_empty()).then(|| (table, columns.without(&unused), unused))
        };
        Table::ALL.into_iter().filter_map(of_table).collect()
    }

    /// The moment that long ago.
    pub(crate) fn ago(&self, age: Duration) -> UnixNanos {
        let age = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        UnixNanos(self.clock.now().0.saturating_sub(age))
    }
}
