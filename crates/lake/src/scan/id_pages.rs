//! In which pages of a part each id is, where the order of its rows says nothing about it: logs are sorted by service, and a
//! look-up of a trace would read all of their ids each time. It is known once somebody has read all of them, of as many
//! parts as there is room for.

use std::sync::{Arc, Mutex, MutexGuard};

use object_store::path::Path;

/// All parts together have so much. Once that is used up, further ones are read whole each time: each look-up asks all
/// parts, so whoever made room for one would miss another.
const BYTES_MAX: usize = 16 << 20;

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct KnownIdPages(Mutex<Vec<(IdColumn, Arc<IdPages>)>>);

/// A column of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdColumn {
    pub part: Path,
    pub stored_name: String,
}

/// The pages of a column in which ids with some hash are, sorted.
#[derive(Debug)]
pub(super) struct IdPages {
    entries: Vec<Entry>,
    entries_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u32,
    group: u16,
    page: u16,
}

impl KnownIdPages {
    pub(super) fn of(&self, column: &IdColumn) -> Option<Arc<IdPages>> {
        let known = self.known();
        let found = known.iter().find(|(known, _)| known == column);
        found.map(|(_, pages)| Arc::clone(pages))
    }

    /// For what fits into the room that is left; `None` if that is none.
    pub(super) fn begin(&self) -> Option<IdPages> {
        let entries_max = left(&self.known());
        (entries_max > 0).then_some(IdPages {
            entries: Vec::new(),
            entries_max,
        })
    }

    /// Keeps all pages of a column, unless others have taken the room meanwhile.
    pub(super) fn put(&self, column: IdColumn, mut pages: IdPages) {
        // Each page has its own sorted already.
        pages.entries.sort();
        pages.entries.shrink_to_fit();
        let mut known = self.known();
        known.retain(|(known, _)| *known != column);
        if pages.entries.len() <= left(&known) {
            known.push((column, Arc::new(pages)));
        }
    }

    /// For when the part goes.
    pub(crate) fn forget(&self, part: &Path) {
        self.known().retain(|(known, _)| known.part != *part);
    }

    fn known(&self) -> MutexGuard<'_, Vec<(IdColumn, Arc<IdPages>)>> {
        self.0.lock().expect("no holder of the list panics")
    }
}

/// How many entries there is room for.
fn left(known: &[(IdColumn, Arc<IdPages>)]) -> usize {
    let taken: usize = known.iter().map(|(_, pages)| pages.entries.len()).sum();
    (BYTES_MAX / size_of::<Entry>()).saturating_sub(taken)
}

impl IdPages {
    /// Those of a group with one of the ids, and perhaps others.
    pub(super) fn near(&self, group: usize, ids: &[[u8; 16]]) -> Vec<usize> {
        let mut pages = Vec::new();
        for id in ids {
            let hash = hash_of(*id);
            let first = self.entries.partition_point(|entry| entry.hash < hash);
            let same = self.entries[first..]
                .iter()
                .take_while(|entry| entry.hash == hash);
            let here = same.filter(|entry| usize::from(entry.group) == group);
            pages.extend(here.map(|entry| usize::from(entry.page)));
        }
        pages.sort_unstable();
        pages.dedup();
        pages
    }

    /// Adds the ids of a page. False if there are too many.
    pub(super) fn add(
        &mut self,
        (group, page): (usize, usize),
        ids: impl Iterator<Item = [u8; 16]>,
    ) -> bool {
        let (Ok(group), Ok(page)) = (u16::try_from(group), u16::try_from(page)) else {
            return false;
        };
        let mut hashes: Vec<u32> = ids.map(hash_of).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let entries = hashes.into_iter().map(|hash| Entry { hash, group, page });
        self.entries.extend(entries);
        self.entries.len() <= self.entries_max
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
    use object_store::path::Path;

    use super::{BYTES_MAX, Entry, IdColumn, KnownIdPages};

    fn id(number: usize) -> [u8; 16] {
        (number as u128).to_be_bytes()
    }

    fn part(number: usize) -> Path {
        Path::from(number.to_string())
    }

    fn column(number: usize) -> IdColumn {
        IdColumn {
            part: part(number),
            stored_name: "trace_id".to_owned(),
        }
    }

    #[test]
    fn each_id_is_in_its_pages_and_hardly_in_others() {
        let known = KnownIdPages::default();
        let mut pages = known.begin().unwrap();
        for page in 0..40 {
            let ids = (0..1_000).map(|number| id(page * 500 + number));
            assert!(pages.add((page / 16, page % 16), ids.clone().chain(ids)));
        }
        assert!(!pages.add((0, 1 << 16), std::iter::empty()));
        known.put(column(0), pages);
        let pages = known.of(&column(0)).unwrap();
        assert_eq!(pages.entries.len(), 40_000);
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
    }

    #[test]
    fn what_has_no_room_is_not_kept_and_parts_that_go_make_room() {
        let known = KnownIdPages::default();
        let quarter = BYTES_MAX / size_of::<Entry>() / 4;
        let put = |number| {
            let Some(mut pages) = known.begin() else {
                return false;
            };
            let fits = pages.add((0, 0), (0..quarter).map(id));
            known.put(column(number), pages);
            assert_eq!(known.of(&column(number)).is_some(), fits);
            fits
        };
        assert!((0..4).all(put));
        assert!(!put(4));
        known.forget(&part(2));
        assert!(put(4));
        assert!(
            [0, 1, 3]
                .into_iter()
                .all(|number| known.of(&column(number)).is_some())
        );
        known.forget(&part(0));
        let mut pages = known.begin().unwrap();
        assert!(!pages.add((0, 0), (0..quarter + 1).map(id)));
    }
}
