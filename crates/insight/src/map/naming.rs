//! Who a span belongs to and what it calls, row by row: texts become numbers once, so that a million spans of a hundred
//! services compare as numbers.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};

use super::fields::{Fields, Text, host_of};
use crate::Error;
use crate::spans::hash::HashMap;
use crate::spans::{Describe, Description, Link};

pub(super) const OUTGOING: u8 = 1;
pub(super) const INCOMING: u8 = 2;
pub(super) const ERROR: u8 = 4;
/// Fulfils the condition of the question.
pub(super) const COUNTS: u8 = 8;
/// Some child belongs to another node.
pub(super) const FOREIGN_CHILD: u8 = 16;
/// Some child calls something.
pub(super) const OUTGOING_CHILD: u8 = 32;

/// Bytes of different names. Beyond it the answer is refused: such a map says nothing.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// Whom a span belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    /// A text; 0 for none.
    pub service: u32,
    pub is_browser: bool,
}

/// What a span calls: texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    None,
    Store {
        system: u32,
        address: u32,
        namespace: u32,
    },
    Queue {
        system: u32,
        name: u32,
    },
    /// Named in small letters.
    Remote {
        name: u32,
    },
}

/// Texts by number; 0 is the empty one.
#[derive(Debug)]
pub(super) struct Texts {
    all: Vec<String>,
    numbers: HashMap<String, u32>,
    bytes: usize,
}

impl Texts {
    fn new() -> Self {
        Self {
            all: vec![String::new()],
            numbers: HashMap::from_iter([(String::new(), 0)]),
            bytes: 0,
        }
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).expect("their bytes are limited");
        self.bytes += text.len();
        self.all.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// `None` for the empty text.
    pub(super) fn get(&self, number: u32) -> Option<&str> {
        (number != 0).then(|| self.all[number as usize].as_str())
    }
}

pub(super) struct Naming<'a> {
    fields: &'a Fields,
    marks: Vec<(&'a str, &'a str)>,
    pub texts: Texts,
    pub owners: Vec<Owner>,
    /// Of each text: its service, its browser.
    owner_numbers: Vec<[Option<u32>; 2]>,
    pub targets: Vec<Target>,
    /// Whether some span names the target by `service.peer.name`.
    pub is_named: Vec<bool>,
    target_numbers: HashMap<Target, u32>,
    /// By all the texts that decide.
    target_of: HashMap<[u32; 7], u32>,
    batch: Option<Box<Batch>>,
}

impl<'a> Naming<'a> {
    pub(super) fn new(fields: &'a Fields) -> Self {
        let mut marks = vec![
            ("browser", fields.browser.as_str()),
            ("outgoing", fields.outgoing.as_str()),
            ("incoming", fields.incoming.as_str()),
            ("error", fields.error),
        ];
        marks.extend(
            fields
                .condition
                .as_deref()
                .map(|condition| ("counts", condition)),
        );
        Self {
            fields,
            marks,
            texts: Texts::new(),
            owners: Vec::new(),
            owner_numbers: Vec::new(),
            targets: vec![Target::None],
            is_named: vec![false],
            target_numbers: HashMap::from_iter([(Target::None, 0)]),
            target_of: HashMap::default(),
            batch: None,
        }
    }

    fn owner(&mut self, owner: Owner) -> u32 {
        let text = owner.service as usize;
        if self.owner_numbers.len() <= text {
            self.owner_numbers.resize(text + 1, [None; 2]);
        }
        let number = &mut self.owner_numbers[text][usize::from(owner.is_browser)];
        *number.get_or_insert_with(|| {
            self.owners.push(owner);
            u32::try_from(self.owners.len() - 1).expect("the bytes of texts are limited")
        })
    }

    fn target(&mut self, key: [u32; 7]) -> u32 {
        if let Some(number) = self.target_of.get(&key) {
            return *number;
        }
        let [
            database,
            address,
            namespace,
            messaging,
            destination,
            peer,
            host,
        ] = key;
        let target = if database != 0 {
            Target::Store {
                system: database,
                address,
                namespace,
            }
        } else if messaging != 0 || destination != 0 {
            Target::Queue {
                system: messaging,
                name: destination,
            }
        } else {
            let named = [peer, address, host].into_iter().find(|text| *text != 0);
            let name = named
                .and_then(|text| self.texts.get(text))
                .map(str::to_lowercase);
            match name {
                Some(name) => Target::Remote {
                    name: self.texts.number(&name),
                },
                None => Target::None,
            }
        };
        let next = u32::try_from(self.targets.len()).expect("the bytes of texts are limited");
        let number = *self.target_numbers.entry(target).or_insert(next);
        if number == next {
            self.targets.push(target);
            self.is_named.push(false);
        }
        self.is_named[number as usize] |= peer != 0;
        self.target_of.insert(key, number);
        number
    }

    fn describe(&mut self, batch: &mut Batch, row: usize) -> (Description, Option<Link>) {
        let texts = &mut self.texts;
        let mut flags = 0;
        for (column, flag) in &batch.flags {
            flags |= if column.value(row) { *flag } else { 0 };
        }
        let mut text = |of: Text| batch.texts[of as usize].number(row, texts);
        let service = text(Text::Service);
        let mut key = [0; 7];
        if flags & (OUTGOING | INCOMING) != 0 {
            let of = [
                Text::Database,
                Text::Address,
                Text::Namespace,
                Text::Messaging,
                Text::Destination,
                Text::Peer,
            ];
            for (number, of) in key.iter_mut().zip(of) {
                *number = text(of);
            }
            if key == [0; 7] {
                key[6] = batch.texts[Text::Url as usize].host(row, texts);
            }
        }
        let owner = Owner {
            service,
            is_browser: batch.browser.value(row),
        };
        let target = if key == [0; 7] { 0 } else { self.target(key) };
        // Its own queue says where a message came from, but not whether whoever sent it fulfils the condition.
        let is_told =
            flags & COUNTS != 0 && matches!(self.targets[target as usize], Target::Queue { .. });
        let is_asked = flags & INCOMING != 0 && !is_told;
        let link = is_asked.then(|| batch.link(row)).flatten();
        let node = self.owner(owner);
        (
            Description {
                node,
                target,
                flags,
            },
            link,
        )
    }
}

impl Describe for Naming<'_> {
    fn fields(&self) -> Vec<&str> {
        self.fields.read()
    }

    fn marks(&self) -> Vec<(&str, &str)> {
        self.marks.clone()
    }

    fn has_links(&self) -> bool {
        true
    }

    fn begin(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        if self.texts.bytes > TEXT_BYTES_MAX {
            return Err(Error::Request(
                "the names of what is called are too many to be drawn: ask about a shorter time"
                    .to_owned(),
            ));
        }
        self.batch = Some(Box::new(Batch::of(rows)?));
        Ok(())
    }

    fn row(&mut self, row: usize) -> (Description, Option<Link>) {
        let mut batch = self.batch.take().expect("a batch has begun");
        let described = self.describe(&mut batch, row);
        self.batch = Some(batch);
        described
    }
}

struct Batch {
    texts: [TextColumn; Text::ALL.len()],
    browser: BooleanArray,
    flags: Vec<(BooleanArray, u8)>,
    links: StringArray,
}

impl Batch {
    fn of(rows: &RecordBatch) -> Result<Self, Error> {
        let mark = |name: &str| {
            rows.column_by_name(name)
                .map(|column| column.as_boolean().clone())
        };
        let flags = [
            ("outgoing", OUTGOING),
            ("incoming", INCOMING),
            ("error", ERROR),
        ];
        let flags = flags
            .into_iter()
            .filter_map(|(name, flag)| Some((mark(name)?, flag)));
        let mut flags: Vec<_> = flags.collect();
        let all = || BooleanArray::from(vec![true; rows.num_rows()]);
        flags.push((mark("counts").unwrap_or_else(all), COUNTS));
        let mut texts: [TextColumn; Text::ALL.len()] = Default::default();
        for (column, of) in texts.iter_mut().zip(Text::ALL) {
            *column = TextColumn::of(rows.column_by_name(of.field()))?;
        }
        let links = rows.column_by_name("links").expect("the scan gives it");
        Ok(Self {
            texts,
            browser: mark("browser").expect("the scan gives it"),
            flags,
            links: cast(links, &DataType::Utf8)?.as_string().clone(),
        })
    }

    fn link(&self, row: usize) -> Option<Link> {
        self.links
            .is_valid(row)
            .then(|| first_link(self.links.value(row)))?
    }
}

/// The first link of a list, as it is stored: `[{"trace_id":"…","span_id":"…"`, with 32 and 16 hex digits.
fn first_link(links: &str) -> Option<Link> {
    let rest = links.strip_prefix("[{\"trace_id\":\"")?;
    let (trace, rest) = (rest.get(..32)?, rest.get(32..)?);
    let span = rest.strip_prefix("\",\"span_id\":\"")?.get(..16)?;
    let trace = u128::from_str_radix(trace, 16).ok()?;
    Some((trace.to_be_bytes(), u64::from_str_radix(span, 16).ok()?))
}

/// Texts of a batch, each looked up when it is first met.
#[derive(Default)]
enum TextColumn {
    #[default]
    Absent,
    Dictionary {
        keys: Int32Array,
        values: StringArray,
        /// Of each value, and of the host in it.
        numbers: Vec<Option<u32>>,
        hosts: Vec<Option<u32>>,
    },
    Plain(StringViewArray),
}

impl TextColumn {
    fn of(column: Option<&ArrayRef>) -> Result<Self, Error> {
        let Some(column) = column else {
            return Ok(Self::Absent);
        };
        let Some(dictionary) = column.as_any_dictionary_opt() else {
            let plain = cast(column, &DataType::Utf8View)?;
            return Ok(Self::Plain(plain.as_string_view().clone()));
        };
        let keys = cast(dictionary.keys(), &DataType::Int32)?;
        let values = cast(dictionary.values(), &DataType::Utf8)?;
        Ok(Self::Dictionary {
            keys: keys.as_primitive::<Int32Type>().clone(),
            numbers: vec![None; values.len()],
            hosts: Vec::new(),
            values: values.as_string().clone(),
        })
    }

    /// 0 for none.
    fn number(&mut self, row: usize, texts: &mut Texts) -> u32 {
        match self {
            Self::Plain(column) if column.is_valid(row) => texts.number(column.value(row)),
            Self::Dictionary {
                keys,
                values,
                numbers,
                ..
            } if keys.is_valid(row) => {
                let key = keys.value(row) as usize;
                *numbers[key].get_or_insert_with(|| match values.is_valid(key) {
                    true => texts.number(values.value(key)),
                    false => 0,
                })
            }
            _ => 0,
        }
    }

    /// The host of the URL, 0 for none.
    fn host(&mut self, row: usize, texts: &mut Texts) -> u32 {
        let mut host = |url: &str| host_of(url).map_or(0, |host| texts.number(host));
        match self {
            Self::Plain(column) if column.is_valid(row) => host(column.value(row)),
            Self::Dictionary {
                keys,
                values,
                hosts,
                ..
            } if keys.is_valid(row) => {
                let key = keys.value(row) as usize;
                hosts.resize(values.len(), None);
                *hosts[key].get_or_insert_with(|| match values.is_valid(key) {
                    true => host(values.value(key)),
                    false => 0,
                })
            }
            _ => 0,
        }
    }
}
