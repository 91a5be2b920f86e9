//! The row builder that all signals share: fixed columns by name, attributes as typed columns found
//! on the way, and the overflow for what fits no column. What a row means is the signals' matter.

mod cells;
mod column;
mod dictionary;
mod keys;
mod short;
mod template;

use std::sync::Arc;

use arrow::array::{ArrayRef, MapBuilder, MapFieldNames, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_model::names::{column_of_key, key_of_column};
use crawlspace_model::table::{ATTRIBUTE_COLUMNS_MAX, OVERFLOW, text_type};

use cells::ROWS_MIN;
pub use column::Cell;
use column::Column;
pub(crate) use keys::KeyId;
use keys::Keys;
pub(crate) use template::Template;
use template::{Recording, Slot};

/// Longer texts are cut, and the attribute `<key>.truncated` says so.
pub const TEXT_BYTES_MAX: usize = 256 << 10;

/// Attributes with longer names than this stay in the overflow: a name is repeated in every schema.
pub const COLUMN_NAME_BYTES_MAX: usize = 256;

/// What a cell without text takes, roughly.
const CELL_BYTES: usize = 8;

/// What a key takes beside its name, roughly.
const KEY_BYTES: usize = 256;

/// Columns get room for no more rows than that at first, …
const ROOM_ROWS_MAX: usize = 1_024;
/// … and nearly none beyond so many columns: a request of few bytes may have many.
const ROOM_COLUMNS_MAX: usize = 128;

/// Builds one batch of `table`, row by row: [`set`](Self::set) and [`attribute`](Self::attribute)
/// fill the row that is open, [`end_row`](Self::end_row) closes it. What was not set is null.
///
/// The batch has the table's fixed columns in their order, then the attribute columns sorted by
/// name. An attribute column has the type of the key's first string, int, double or bool in the
/// batch; values of other kinds, and keys beyond [`ATTRIBUTE_COLUMNS_MAX`], are in the row's
/// overflow map (null when empty), sorted by name.
pub struct TableBuilder {
    table: Table,
    rows: usize,
    text_bytes: usize,
    key_bytes: usize,
    /// One per fixed column; none for the overflow, which is built apart.
    fixed: Vec<Option<Column>>,
    fixed_next: usize,
    keys: Keys,
    attribute_columns: usize,
    /// The rows that columns get room for.
    room: usize,
    overflow: MapBuilder<StringBuilder, StringBuilder>,
    row_overflow: Vec<(KeyId, Arc<str>)>,
    /// Columns whose text was cut in this row.
    row_truncated: Vec<String>,
    /// Texts that were cut in all rows.
    truncated: u64,
    /// Whether this row was given an attribute that a template has.
    row_meets_shared: bool,
    recording: Option<Recording>,
}

/// Where an attribute has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Column,
    Overflow,
}

/// A text that a column has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownText {
    code: i32,
    length: usize,
}

/// A fixed column, by its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed(usize);

impl TableBuilder {
    #[must_use]
    pub fn new(table: Table) -> Self {
        let names = MapFieldNames {
            entry: "entries".to_owned(),
            key: "key".to_owned(),
            value: "value".to_owned(),
        };
        let columns = table.fixed_columns().iter();
        Self {
            table,
            rows: 0,
            text_bytes: 0,
            key_bytes: 0,
            fixed: columns
                .map(|column| (column.name != OVERFLOW).then(|| Column::new(&column.data_type)))
                .collect(),
            fixed_next: 0,
            keys: Keys::new(table),
            attribute_columns: 0,
            room: ROWS_MIN,
            overflow: MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new()),
            row_overflow: Vec::new(),
            row_truncated: Vec::new(),
            truncated: 0,
            row_meets_shared: false,
            recording: None,
        }
    }

    /// So many rows will follow, or none of them: columns get room for them.
    pub(crate) fn expect_rows(&mut self, rows: usize) {
        if self.attribute_columns <= ROOM_COLUMNS_MAX {
            self.room = (self.rows + rows).clamp(ROWS_MIN, ROOM_ROWS_MAX);
        }
    }

    #[must_use]
    pub fn table(&self) -> Table {
        self.table
    }

    /// How many rows are closed.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many texts were cut.
    pub(crate) fn truncated(&self) -> u64 {
        self.truncated
    }

    /// About how many bytes the batch takes, never much less than it does: every text counts as
    /// often as it was put, every column for all rows.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let columns = self.fixed.len() + self.attribute_columns;
        self.text_bytes + self.key_bytes + self.rows * columns * CELL_BYTES
    }

    /// Fills the fixed column `name`; fastest in the order of the table's columns.
    ///
    /// # Panics
    /// When the table has no such column, or one of another type, or when it is filled already.
    pub fn set(&mut self, name: &str, cell: Cell<'_>) {
        let columns = self.table.fixed_columns();
        let index = (self.fixed_next..columns.len())
            .chain(0..self.fixed_next)
            .find(|&index| columns[index].name == name)
            .expect("the table has a fixed column of that name");
        self.fixed_next = index + 1;
        self.set_fixed(Fixed(index), cell);
    }

    /// The fixed column `name`, for [`set_fixed`](Self::set_fixed).
    ///
    /// # Panics
    /// When the table has no such column.
    pub(crate) fn fixed(&self, name: &str) -> Fixed {
        let mut columns = self.table.fixed_columns().iter();
        let index = columns.position(|column| column.name == name);
        Fixed(index.expect("the table has a fixed column of that name"))
    }

    /// Like [`set`](Self::set), for a column that was looked up before.
    pub(crate) fn set_fixed(&mut self, Fixed(index): Fixed, cell: Cell<'_>) {
        let name = self.table.fixed_columns()[index].name;
        let cell = match cell {
            Cell::Text(text) => Cell::Text(self.cut(name, text)),
            other => other,
        };
        self.text_bytes += match cell {
            Cell::Text(text) | Cell::Json(text) => text.len(),
            Cell::Doubles(numbers) => numbers.len() * CELL_BYTES,
            Cell::UnsignedList(numbers) => numbers.len() * CELL_BYTES,
            _ => 0,
        };
        let column = self.fixed[index]
            .as_mut()
            .expect("the overflow is not set by name");
        assert!(column.end() <= self.rows, "`{name}` is set once per row");
        assert!(
            column.put(self.rows, cell, self.room),
            "`{name}` has the type of the cell"
        );
        if let Some(recording) = &mut self.recording {
            recording.slots.push(Slot::Fixed(index));
        }
    }

    /// Gives the row an attribute; `column` is a name made by [`column_of_key`]. False, and nothing
    /// done, when the row has that attribute already.
    pub fn attribute(&mut self, column: &str, value: &Value<'_>) -> bool {
        let id = self.keys.of_column(column);
        self.put_attribute(id, value)
    }

    /// The key of these bytes, if some row was asked about it; `after` is the key before it in its list.
    #[inline]
    pub(crate) fn find_key(&mut self, after: Option<KeyId>, key: &[u8]) -> Option<KeyId> {
        self.keys.find(after, key)
    }

    pub(crate) fn key(&mut self, key: &str) -> KeyId {
        self.keys.of_key(key)
    }

    /// The text of these bytes, if the key's column has it.
    #[inline]
    pub(crate) fn find_text(&self, id: KeyId, text: &[u8]) -> Option<KnownText> {
        let code = self.keys[id].column.as_ref()?.find_text(text)?;
        Some(KnownText {
            code,
            length: text.len(),
        })
    }

    /// Like [`put_attribute`](Self::put_attribute), with a text that the key's column has.
    #[inline]
    pub(crate) fn put_known(&mut self, id: KeyId, text: KnownText) -> bool {
        if !self.begin_attribute(id) {
            return false;
        }
        let column = self.keys[id].column.as_mut();
        let column = column.expect("the text was found in it");
        column.put_known(self.rows, text.code, self.room);
        self.text_bytes += text.length;
        self.record_attribute(id, Place::Column);
        true
    }

    /// Like [`attribute`](Self::attribute), for a key that was looked up before.
    #[inline]
    pub(crate) fn put_attribute(&mut self, id: KeyId, value: &Value<'_>) -> bool {
        if !self.begin_attribute(id) {
            return false;
        }
        let place = self.place(id, value);
        self.record_attribute(id, place);
        true
    }

    /// False when the row has that attribute already.
    #[inline]
    fn begin_attribute(&mut self, id: KeyId) -> bool {
        let key = &mut self.keys[id];
        if key.end > self.rows {
            if let Some(recording) = &mut self.recording {
                recording.is_mixed |= !key.is_shared;
            }
            return false;
        }
        if key.end == 0 {
            self.key_bytes += key.name.len() + KEY_BYTES;
        }
        key.end = self.rows + 1;
        self.row_meets_shared |= key.is_shared;
        true
    }

    #[inline]
    fn record_attribute(&mut self, id: KeyId, place: Place) {
        if let Some(recording) = &mut self.recording {
            self.keys[id].is_shared = true;
            match (place, self.row_overflow.last()) {
                (Place::Overflow, Some(entry)) => recording.overflow.push(entry.clone()),
                _ => recording.slots.push(Slot::Key(id)),
            }
        }
    }

    fn place(&mut self, id: KeyId, value: &Value<'_>) -> Place {
        let value = match value {
            Value::String(text) if text.len() > TEXT_BYTES_MAX => {
                let name = Arc::clone(&self.keys[id].name);
                &Value::String(self.cut(&name, text))
            }
            other => other,
        };
        if self.put(id, value) {
            return Place::Column;
        }
        let mut text = value.to_json();
        let name = &self.keys[id].name;
        self.text_bytes += text.len() + name.len() + 2 * CELL_BYTES;
        // Of a list or a map, half its JSON is no JSON: what is kept is a string.
        if !matches!(value, Value::String(_)) && text.len() > TEXT_BYTES_MAX {
            let name = Arc::clone(name);
            text = Value::String(self.cut(&name, &text)).to_json();
        }
        self.row_overflow.push((id, text.into()));
        Place::Overflow
    }

    /// Marks the row's `column` as cut: the attribute `<key>.truncated` is true, unless the row has
    /// one of that name.
    pub fn mark_truncated(&mut self, column: &str) {
        self.row_truncated.push(column.to_owned());
        self.truncated += 1;
    }

    /// Closes the row.
    pub fn end_row(&mut self) {
        for column in std::mem::take(&mut self.row_truncated) {
            let key = format!("{}.truncated", key_of_column(&column));
            self.attribute(&column_of_key(self.table, &key), &Value::Bool(true));
        }
        self.end_overflow();
        self.rows += 1;
        self.fixed_next = 0;
        self.row_meets_shared = false;
    }

    fn end_overflow(&mut self) {
        let keys = &self.keys;
        self.row_overflow
            .sort_unstable_by(|(a, _), (b, _)| keys[*a].name.cmp(&keys[*b].name));
        let has_overflow = !self.row_overflow.is_empty();
        for (id, text) in self.row_overflow.drain(..) {
            self.overflow.keys().append_value(&keys[id].name);
            self.overflow.values().append_value(text);
        }
        self.overflow
            .append(has_overflow)
            .expect("as many overflow keys as values");
    }

    /// The batch of the closed rows.
    ///
    /// # Panics
    /// When a row lacks a column that is not nullable, or a row is open.
    #[must_use]
    pub fn finish(mut self) -> RecordBatch {
        let (rows, table) = (self.rows, self.table);
        let mut fields = table.fixed_schema().fields().to_vec();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(fields.len() + self.attribute_columns);
        for column in self.fixed {
            arrays.push(match column {
                Some(column) => column.finish(rows),
                None => Arc::new(self.overflow.finish()),
            });
        }
        let mut columns: Vec<(Arc<str>, Column)> = self.keys.into_columns().collect();
        columns.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, column) in columns {
            let array = column.finish(rows);
            fields.push(Arc::new(Field::new(
                &*name,
                array.data_type().clone(),
                true,
            )));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect(
            "all columns have as many values as there are rows, and the types of the schema",
        )
    }

    /// Puts `value` into the key's column, which is made when the key may have one. False when it
    /// has none that fits.
    fn put(&mut self, id: KeyId, value: &Value<'_>) -> bool {
        let cell = match *value {
            Value::String(text) => Cell::Text(text),
            Value::Int(number) => Cell::Int(number),
            Value::Double(number) => Cell::Double(number),
            Value::Bool(flag) => Cell::Bool(flag),
            Value::Null | Value::Bytes(_) | Value::List(_) | Value::Map(_) => return false,
        };
        let key = &mut self.keys[id];
        if key.column.is_none()
            && self.attribute_columns < ATTRIBUTE_COLUMNS_MAX
            && key.name.len() <= COLUMN_NAME_BYTES_MAX
        {
            key.column = Some(Column::new(&type_of(value)));
            self.attribute_columns += 1;
            if self.attribute_columns > ROOM_COLUMNS_MAX {
                self.room = ROWS_MIN;
            }
        }
        let (rows, room) = (self.rows, self.room);
        let fits = key
            .column
            .as_mut()
            .is_some_and(|column| column.put(rows, cell, room));
        if let (true, Cell::Text(text)) = (fits, cell) {
            self.text_bytes += text.len();
        }
        fits
    }

    fn cut<'t>(&mut self, column: &str, text: &'t str) -> &'t str {
        if text.len() <= TEXT_BYTES_MAX {
            return text;
        }
        self.mark_truncated(column);
        &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
    }
}

/// The type of the column that a key has whose first value is this.
fn type_of(value: &Value<'_>) -> DataType {
    match value {
        Value::Int(_) => DataType::Int64,
        Value::Double(_) => DataType::Float64,
        Value::Bool(_) => DataType::Boolean,
        _ => text_type(),
    }
}

#[cfg(test)]
mod tests;
