//! Compaction: the small parts of one hour become one, rows in order, columns united by id.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crawlspace_disk::fault::{self, Defect};
use crawlspace_model::{Table, UnixNanos};

use crate::catalogue::{Change, Column, ColumnType, Part, PartMeta};
use crate::error::Error;
use crate::lake::Lake;
use crate::part::{OF_DIFFERENT_TEXTS, Term};
use crate::upkeep::merge::{Merge, STRETCH_ROWS_MIN, STRETCHES, open_bytes};

/// A part of this size is not merged any more: it would be much work for little.
const PART_BYTES_ENOUGH: u64 = 96 << 20;
/// Merging makes none that is larger.
const PART_BYTES_MAX: u64 = 512 << 20;
/// So many parts are merged at a time.
const INPUTS_MAX: usize = 64;
/// Merging takes one of so many shares of what plans may take.
const SHARES: u64 = 10;
/// Texts are searched where the dictionaries of all inputs take so many bytes: those of fewer values are nearly everywhere.
const SEARCHED_BYTES_MIN: u64 = 16 << 10;
/// An hour is finished when it is over and nothing more has come for it since so long.
const QUIET_NANOS: i64 = 600_000_000_000;
/// In an hour that goes on, the largest of the parts that are merged is no more than so many times larger than the
/// smallest. So each row is rewritten a logarithmic number of times.
const TIER_RATIO: u64 = 4;
/// In a finished hour it may be so many times larger: the hour ends in few parts, and a straggler costs no rewriting of all
/// of it.
const FINISHED_RATIO: u64 = 16;
const HOUR_NANOS: i64 = 3_600_000_000_000;

/// What a compaction pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Parts that are gone.
    pub merged: usize,
    /// Parts that stand for them.
    pub into: usize,
}

impl Lake {
    /// Merges the small parts of every hour that has at least `at_least` of them (2 at the least); with `None`, as many
    /// as the configuration says and only such as are of like size, or nearly all once the hour is finished.
    ///
    /// # Errors
    /// A part can't be read or written, or the catalogue can't commit; what was merged before stays merged.
    pub async fn compact(self: &Arc<Self>, at_least: Option<usize>) -> Result<Compacted, Error> {
        let _merging = self.merging.lock().await;
        let now = self.clock.now();
        let rule = |is_finished: bool| match at_least {
            Some(at_least) => (at_least.max(2), u64::MAX),
            None if is_finished => (2, FINISHED_RATIO),
            None => (self.config.compact_parts.max(2), TIER_RATIO),
        };
        let mut done = Compacted::default();
        for table in Table::ALL {
            let snapshot = self.snapshot();
            let open_max = self.open_max();
            for inputs in groups(&snapshot.table(table).parts, now, open_max, rule) {
                let columns: Vec<Arc<Column>> =
                    snapshot.table(table).columns.iter().cloned().collect();
                let (lake, runtime) = (Arc::clone(self), tokio::runtime::Handle::current());
                let parts = inputs.clone();
                // Encoding is long work for a core: off the threads that answer requests.
                let merged = tokio::task::spawn_blocking(move || {
                    runtime.block_on(lake.merge_parts(table, &columns, &parts))
                });
                let merged = match merged.await? {
                    Ok(merged) => merged,
                    // Not to fail at the same part for ever: the rest is merged next time.
                    Err(_) if self.set_aside_damaged().await? > 0 => return Ok(done),
                    Err(error) => return Err(error),
                };
                let mut removed_parts = inputs.iter().map(|part| part.id).collect();
                if fault::has(Defect::MergeDoubled) {
                    removed_parts = Vec::new();
                }
                let change = Change {
                    new_parts: vec![merged],
                    removed_parts,
                    ..Change::default()
                };
                self.commit(&change, Vec::new(), |_| ()).await?;
                done.merged += inputs.len();
                done.into += 1;
            }
        }
        Ok(done)
    }

    /// What the inputs of a merge may have in memory.
    fn open_max(&self) -> u64 {
        self.config.plan_bytes_max / SHARES
    }

    async fn merge_parts(
        self: &Arc<Self>,
        table: Table,
        columns: &[Arc<Column>],
        parts: &[Arc<Part>],
    ) -> Result<PartMeta, Error> {
        let known: BTreeSet<String> = columns.iter().map(|column| column.name.clone()).collect();
        let present: BTreeSet<i64> = parts
            .iter()
            .flat_map(|part| part.meta.columns.iter().copied())
            .collect();
        let columns: Vec<Arc<Column>> = columns
            .iter()
            .filter(|column| present.contains(&column.id))
            .cloned()
            .collect();
        let stretch = STRETCHES.into_iter().find(|stretch| {
            let open = parts.iter().map(|part| open_bytes(&part.meta, *stretch));
            open.sum::<u64>() <= self.open_max()
        });
        let stretch = stretch.unwrap_or(STRETCH_ROWS_MIN);
        let mut rows = Merge::new(self, table, columns.clone(), parts, stretch).await?;
        let term = Term::Long {
            searched: self.searched(&columns, parts).await?,
        };
        let mut writer = self
            .begin_part(table, columns, rows.fields(), known, &term)
            .await?;
        loop {
            let next = rows.next().await?;
            if next.is_empty() {
                return writer.finish().await;
            }
            writer.write(rows.batches(), &next).await?;
        }
    }

    /// The texts with many different values: who looks for one of them is told by a Bloom filter where it is not.
    async fn searched(
        &self,
        columns: &[Arc<Column>],
        parts: &[Arc<Part>],
    ) -> Result<BTreeSet<i64>, Error> {
        let mut dictionaries: BTreeMap<String, u64> = BTreeMap::new();
        for part in parts {
            let metadata = self.footer(part).await?;
            for chunk in metadata
                .row_groups()
                .iter()
                .flat_map(|group| group.columns())
            {
                let [name] = chunk.column_path().parts() else {
                    continue;
                };
                let bytes = match chunk.dictionary_page_offset() {
                    Some(start) => chunk.data_page_offset().saturating_sub(start),
                    // More different ones than a dictionary takes.
                    None if chunk.encodings().any(|used| used == OF_DIFFERENT_TEXTS) => {
                        chunk.compressed_size()
                    }
                    None => continue,
                };
                *dictionaries.entry(name.clone()).or_default() += bytes.unsigned_abs();
            }
        }
        let is_searched = |column: &&Arc<Column>| {
            let bytes = dictionaries.get(&column.stored_name);
            column.column_type == ColumnType::Text
                && bytes.is_some_and(|bytes| *bytes >= SEARCHED_BYTES_MIN)
        };
        Ok(columns
            .iter()
            .filter(is_searched)
            .map(|column| column.id)
            .collect())
    }
}

/// Parts to merge with each other: of one hour, together no larger than a part may be, and in memory than `open_max`.
/// `rule` says, of a finished hour or one that goes on, how many parts make a group and how much larger than its
/// smallest its largest may be.
fn groups(
    parts: &[Arc<Part>],
    now: UnixNanos,
    open_max: u64,
    rule: impl Fn(bool) -> (usize, u64),
) -> Vec<Vec<Arc<Part>>> {
    let mut hours: BTreeMap<i64, Vec<Arc<Part>>> = BTreeMap::new();
    for part in parts
        .iter()
        .filter(|part| part.meta.size_bytes < PART_BYTES_ENOUGH)
    {
        // Rows far from when they came in must not widen the hour of all others.
        let hour = part.meta.time_max.0.div_euclid(HOUR_NANOS);
        hours.entry(hour).or_default().push(Arc::clone(part));
    }
    let groups = hours.into_iter().filter_map(|(hour, mut parts)| {
        let quiet_since = now.0.saturating_sub(QUIET_NANOS);
        let is_finished = (hour + 1).saturating_mul(HOUR_NANOS) <= quiet_since
            && parts
                .iter()
                .all(|part| part.meta.received_max.0 <= quiet_since);
        let (at_least, ratio) = rule(is_finished);
        parts.sort_by_key(|part| (part.meta.size_bytes, part.id));
        let sizes = parts.iter().map(|part| {
            let open = open_bytes(&part.meta, STRETCH_ROWS_MIN);
            (part.meta.size_bytes, open)
        });
        let group = group_of(&sizes.collect::<Vec<_>>(), at_least, ratio, open_max);
        group.map(|group| parts[group].to_vec())
    });
    groups.collect()
}

/// Which parts are merged with each other, if any: so many at the least, the largest of which is no more than so many times
/// larger than the smallest. Of each the bytes in the store are given, smallest first, and in memory.
fn group_of(
    sizes: &[(u64, u64)],
    at_least: usize,
    ratio: u64,
    open_max: u64,
) -> Option<Range<usize>> {
    for (start, (least, _)) in sizes.iter().enumerate() {
        let (mut bytes, mut open) = (0, 0);
        let near = sizes[start..].iter().take(INPUTS_MAX);
        let near = near.take_while(|(size, _)| {
            bytes += size;
            *size <= least.saturating_mul(ratio) && bytes <= PART_BYTES_MAX
        });
        let near = near.count();
        let fitting = sizes[start..start + near].iter().take_while(|(_, own)| {
            open += own;
            open <= open_max
        });
        // Two are merged whatever they take, and there is no waiting for more than memory takes.
        let group = fitting.count().max(near.min(2));
        if group >= at_least || group < near {
            return Some(start..start + group);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{FINISHED_RATIO, PART_BYTES_MAX, TIER_RATIO, group_of};

    const MIB: u64 = 1 << 20;

    fn group(sizes: &[u64], at_least: usize, ratio: u64) -> Option<Vec<u64>> {
        let open: Vec<(u64, u64)> = sizes.iter().map(|size| (size * MIB, MIB)).collect();
        let group = group_of(&open, at_least, ratio, 10 * MIB)?;
        Some(sizes[group].to_vec())
    }

    #[test]
    fn parts_of_like_size_are_merged() {
        let cases: &[(&[u64], Option<&[u64]>)] = &[
            (&[], None),
            (&[6, 6, 6], None),
            (&[6, 6, 6, 6], Some(&[6, 6, 6, 6])),
            // What is much larger waits for its like, and what is much smaller does not keep it from them.
            (&[1, 6, 7, 8, 40], None),
            (&[1, 6, 7, 8, 9, 40], Some(&[6, 7, 8, 9])),
            (&[1, 1, 40, 41, 42, 43], Some(&[40, 41, 42, 43])),
            // Together they would be too large.
            (&[200, 200, 200, 200], None),
            // More than may be open at a time.
            (&[6; 12], Some(&[6; 10])),
        ];
        for (sizes, expected) in cases {
            let expected = expected.map(<[u64]>::to_vec);
            assert_eq!(group(sizes, 4, TIER_RATIO), expected, "{sizes:?}");
        }
        assert_eq!(group(&[1, 40, 41], 2, FINISHED_RATIO), Some(vec![40, 41]));
        assert_eq!(group(&[1, 40], 2, FINISHED_RATIO), None);
        assert_eq!(group(&[1, 400], 2, u64::MAX), Some(vec![1, 400]));
    }

    #[test]
    fn two_parts_are_merged_however_much_they_take() {
        let sizes = [(MIB, PART_BYTES_MAX); 5];
        assert_eq!(group_of(&sizes, 8, TIER_RATIO, MIB), Some(0..2));
    }
}
