//! Events as they are read, and work on their columns by all cores.

use std::num::NonZero;
use std::sync::Mutex;

use arrow::array::RecordBatch;
use crawlspace_query::{Group, GroupField};

use crate::Error;

/// What is read at a time.
pub(super) enum Rows<'a> {
    Group(&'a Group),
    Batch(&'a RecordBatch),
}

impl Rows<'_> {
    /// Marks, ids, and the fields that are no columns of a row group.
    pub fn rows(&self) -> &RecordBatch {
        match self {
            Self::Group(group) => &group.rows,
            Self::Batch(rows) => rows,
        }
    }

    /// A field that is a column of a row group.
    pub fn field(&self, name: &str) -> Option<&GroupField> {
        let Self::Group(group) = self else {
            return None;
        };
        let mut fields = group.fields.iter();
        fields.find_map(|(known, field)| (known == name).then_some(field))
    }
}

/// Does the work of each item, whoever of the cores is free the next. Each core has a buffer to use again.
pub(super) fn on_all_cores<T: Send>(
    items: impl Iterator<Item = T> + Send,
    each: impl Fn(T, &mut Vec<u32>) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let items = Mutex::new(items);
    let next = || items.lock().expect("no holder of the items panics").next();
    let work = || {
        let mut buffer = Vec::new();
        while let Some(item) = next() {
            each(item, &mut buffer)?;
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..cores).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others.into_iter();
        let others = others.map(|other| other.join().expect("no work panics"));
        others.fold(own, Result::and)
    })
}
