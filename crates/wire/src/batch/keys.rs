//! The attributes that the rows of a batch have. A key is looked up once per row, so that it is mostly guessed: rows of
//! one kind have the same keys in the same order.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use crawlspace_model::Table;
use crawlspace_model::names::column_of_key;

use super::column::Column;
use super::short::is_same;

/// An attribute of some row, by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId(u32);

/// What follows a key that nothing has followed yet.
const UNKNOWN: KeyId = KeyId(u32::MAX);

pub(super) struct Key {
    /// The name of its column.
    pub(super) name: Arc<str>,
    /// Where in `name` the key itself starts.
    key_start: usize,
    pub(super) column: Option<Column>,
    /// The row after the last one that has it.
    pub(super) end: usize,
    /// Whether a template puts it into rows.
    pub(super) is_shared: bool,
    /// The key that came after this one in a list, last time.
    next: KeyId,
}

pub(super) struct Keys {
    table: Table,
    all: Vec<Key>,
    by_column: HashMap<Arc<str>, KeyId, RandomState>,
    by_key: HashMap<Box<[u8]>, KeyId, RandomState>,
    /// The key that a list began with, last time.
    first: KeyId,
}

impl Keys {
    pub(super) fn new(table: Table) -> Self {
        Self {
            table,
            all: Vec::new(),
            by_column: HashMap::default(),
            by_key: HashMap::default(),
            first: UNKNOWN,
        }
    }

    /// The key of these bytes, if there is one; `after` is the key before it in its list.
    #[inline]
    pub(super) fn find(&mut self, after: Option<KeyId>, key: &[u8]) -> Option<KeyId> {
        let guess = match after {
            Some(before) => self[before].next,
            None => self.first,
        };
        if let Some(known) = self.all.get(guess.0 as usize)
            && is_same(&known.name.as_bytes()[known.key_start..], key)
        {
            return Some(guess);
        }
        let id = *self.by_key.get(key)?;
        match after {
            Some(before) => self[before].next = id,
            None => self.first = id,
        }
        Some(id)
    }

    /// The id of `key`, a new one if there was none.
    pub(super) fn of_key(&mut self, key: &str) -> KeyId {
        if let Some(id) = self.by_key.get(key.as_bytes()) {
            return *id;
        }
        let column = column_of_key(self.table, key);
        let id = self.of_column(&column);
        self[id].key_start = column.len() - key.len();
        self.by_key.insert(key.as_bytes().into(), id);
        id
    }

    /// The id of the key whose column has that name.
    pub(super) fn of_column(&mut self, column: &str) -> KeyId {
        if let Some(id) = self.by_column.get(column) {
            return *id;
        }
        let id = u32::try_from(self.all.len()).expect("the size of a batch ends before that");
        let name: Arc<str> = column.into();
        self.all.push(Key {
            name: Arc::clone(&name),
            key_start: 0,
            column: None,
            end: 0,
            is_shared: false,
            next: UNKNOWN,
        });
        self.by_column.insert(name, KeyId(id));
        KeyId(id)
    }

    pub(super) fn into_columns(self) -> impl Iterator<Item = (Arc<str>, Column)> {
        let keys = self.all.into_iter();
        keys.filter_map(|key| Some((key.name, key.column?)))
    }
}

impl std::ops::Index<KeyId> for Keys {
    type Output = Key;

    fn index(&self, id: KeyId) -> &Key {
        &self.all[id.0 as usize]
    }
}

impl std::ops::IndexMut<KeyId> for Keys {
    fn index_mut(&mut self, id: KeyId) -> &mut Key {
        &mut self.all[id.0 as usize]
    }
}
