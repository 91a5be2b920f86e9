//! In which pages of a part each id is, where the order of its rows says nothing about it: logs are sorted by service, and a
//! look-up of a trace would read all of their ids each time. It is known once somebody has read all of them, of as many
//! parts as there is room for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// All parts together have so much; the oldest go first.
const BYTES_MAX: usize = 16 << 20;

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct IdPages(Mutex<VecDeque<(IdColumn, Arc<Pages>)>>);

/// A column of a part, by its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdColumn {
    pub file_name: String,
    pub stored_name: String,
}

/// The pages of a column in which ids with some hash are, sorted.
#[derive(Debug, Default)]
pub(super) struct Pages(Vec<Entry>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u32,
    group: u16,
    page: u16,
}

impl IdPages {
    pub(super) fn of(&self, column: &IdColumn) -> Option<Arc<Pages>> {
        let known = self.known();
        let found = known.iter().find(|(known, _)| known == column);
        found.map(|(_, pages)| Arc::clone(pages))
    }

    /// Keeps it, if there is room for it alone.
    pub(super) fn put(&self, column: IdColumn, pages: Pages) {
        let mut known = self.known();
        known.retain(|(known, _)| *known != column);
        known.push_back((column, Arc::new(pages)));
        let mut bytes: usize = known.iter().map(|(_, pages)| pages.bytes()).sum();
        while bytes > BYTES_MAX {
            let Some((_, oldest)) = known.pop_front() else {
                return;
            };
            bytes -= oldest.bytes();
        }
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<(IdColumn, Arc<Pages>)>> {
        self.0.lock().expect("no holder of the list panics")
    }
}

impl Pages {
    fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Entry>()
    }

    /// Those of a group with one of the ids, and perhaps others.
    pub(super) fn near(&self, group: usize, ids: &[[u8; 16]]) -> Vec<usize> {
        let mut pages = Vec::new();
        for id in ids {
            let hash = hash_of(*id);
            let first = self.0.partition_point(|entry| entry.hash < hash);
            let same = self.0[first..]
                .iter()
                .take_while(|entry| entry.hash == hash);
            let here = same.filter(|entry| usize::from(entry.group) == group);
            pages.extend(here.map(|entry| usize::from(entry.page)));
        }
        pages.sort_unstable();
        pages.dedup();
        pages
    }

    /// Adds the ids of a page. False if there are too many to be told apart.
    pub(super) fn add(
        &mut self,
        (group, page): (usize, usize),
        ids: impl Iterator<Item = [u8; 16]>,
    ) -> bool {
        let (Ok(group), Ok(page)) = (u16::try_from(group), u16::try_from(page)) else {
            return false;
        };
        let first = self.0.len();
        let hashes = ids.map(hash_of);
        self.0
            .extend(hashes.map(|hash| Entry { hash, group, page }));
        self.0[first..].sort_unstable();
        let mut kept = first;
        for next in first..self.0.len() {
            if kept == first || self.0[next] != self.0[kept - 1] {
                self.0[kept] = self.0[next];
                kept += 1;
            }
        }
        self.0.truncate(kept);
        true
    }

    /// Once all are there.
    pub(super) fn finished(mut self) -> Self {
        // Each page has its own sorted already.
        self.0.sort();
        self.0.shrink_to_fit();
        self
    }
}

/// Some ids begin with a time, others end with zeros.
fn hash_of(id: [u8; 16]) -> u32 {
    let (words, _) = id.as_chunks();
    words.iter().fold(0, |hash, word| {
        hash.rotate_left(5) ^ u32::from_le_bytes(*word)
    })
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Entry, IdColumn, IdPages, Pages};

    fn id(number: usize) -> [u8; 16] {
        (number as u128).to_be_bytes()
    }

    fn column(number: usize) -> IdColumn {
        IdColumn {
            file_name: number.to_string(),
            stored_name: "trace_id".to_owned(),
        }
    }

    #[test]
    fn each_id_is_in_its_pages_and_hardly_in_others() {
        let mut pages = Pages::default();
        for page in 0..40 {
            let ids = (0..1_000).map(|number| id(page * 500 + number));
            assert!(pages.add((page / 16, page % 16), ids.clone().chain(ids)));
        }
        let pages = pages.finished();
        assert_eq!(pages.0.len(), 40_000);
        for number in (500..19_500).step_by(7) {
            let all: Vec<usize> = (0..3)
                .flat_map(|group| {
                    let near = pages.near(group, &[id(number)]);
                    near.into_iter().map(move |page| group * 16 + page)
                })
                .collect();
            assert_eq!(all, [number / 500 - 1, number / 500]);
        }
        let both = pages.near(0, &[id(0), id(7_999)]);
        assert_eq!(both, [0, 14, 15]);
        assert!(!Pages::default().add((0, 1 << 16), std::iter::empty()));
    }

    #[test]
    fn the_oldest_make_room_for_new_ones() {
        let known = IdPages::default();
        let quarter = BYTES_MAX / size_of::<Entry>() / 4;
        for number in 0..6 {
            let mut pages = Pages::default();
            pages.add((0, 0), (0..quarter).map(id));
            known.put(column(number), pages.finished());
        }
        let left = (0..6).filter(|number| known.of(&column(*number)).is_some());
        assert_eq!(left.collect::<Vec<_>>(), [2, 3, 4, 5]);
        let mut pages = Pages::default();
        pages.add((0, 0), (0..5 * quarter).map(id));
        known.put(column(6), pages);
        assert!((0..7).all(|number| known.of(&column(number)).is_none()));
    }
}
