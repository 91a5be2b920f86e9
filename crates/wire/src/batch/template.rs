//! Cells that many rows of a batch have alike, put once: those of a resource and its scope.

use std::sync::Arc;

use super::TableBuilder;
use super::keys::KeyId;

/// A column of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    Fixed(usize),
    Key(KeyId),
}

/// What was put into one row, for other rows to have it too. Their cells are filled when it is
/// [flushed](TableBuilder::flush), or the next row is not like it.
pub(crate) struct Template {
    row: usize,
    slots: Vec<Slot>,
    overflow: Vec<(KeyId, Arc<str>)>,
    text_bytes: usize,
    /// The first row whose cells are not filled yet.
    pending: usize,
}

/// A template in the making.
pub(super) struct Recording {
    pub(super) slots: Vec<Slot>,
    pub(super) overflow: Vec<(KeyId, Arc<str>)>,
    text_bytes_before: usize,
    /// The row has an attribute of its own where one of the template belongs.
    pub(super) is_mixed: bool,
}

impl TableBuilder {
    /// Whether the open row has an attribute that a template has too, or a text that was cut: then what a template holds
    /// is not what belongs here.
    pub(crate) fn row_is_special(&self) -> bool {
        self.row_meets_shared || !self.row_truncated.is_empty()
    }

    /// What is put into the open row from now on is also to be a template.
    pub(crate) fn record(&mut self) {
        self.recording = Some(Recording {
            slots: Vec::new(),
            overflow: Vec::new(),
            text_bytes_before: self.text_bytes,
            is_mixed: false,
        });
    }

    /// What was put since [`record`](Self::record); none if it depends on what the row has beside it.
    pub(crate) fn recorded(&mut self) -> Option<Template> {
        let recording = self.recording.take()?;
        let template = Template {
            row: self.rows,
            slots: recording.slots,
            overflow: recording.overflow,
            text_bytes: self.text_bytes - recording.text_bytes_before,
            pending: self.rows + 1,
        };
        if recording.is_mixed || !self.row_truncated.is_empty() {
            self.unshare(&template);
            return None;
        }
        Some(template)
    }

    /// Puts into the open row what the template's row has.
    pub(crate) fn put_template(&mut self, template: &Template) {
        self.row_overflow.extend(template.overflow.iter().cloned());
        self.text_bytes += template.text_bytes;
    }

    /// Fills the cells of the template in all rows before the open one, which is not to have them.
    pub(crate) fn flush(&mut self, template: &mut Template) {
        let rows = template.pending..self.rows;
        template.pending = self.rows + 1;
        for slot in template.slots.iter().filter(|_| !rows.is_empty()) {
            let column = match *slot {
                Slot::Fixed(index) => self.fixed[index].as_mut(),
                Slot::Key(id) => self.keys[id].column.as_mut(),
            };
            let column = column.expect("what was recorded is in a column");
            column.repeat(template.row, rows.clone());
        }
    }

    /// Ends the use of a template.
    pub(crate) fn finish_template(&mut self, mut template: Template) {
        self.flush(&mut template);
        self.unshare(&template);
    }

    fn unshare(&mut self, template: &Template) {
        let of_slots = template.slots.iter().filter_map(|slot| match slot {
            Slot::Key(id) => Some(*id),
            Slot::Fixed(_) => None,
        });
        for id in of_slots.chain(template.overflow.iter().map(|(id, _)| *id)) {
            self.keys[id].is_shared = false;
        }
    }
}
