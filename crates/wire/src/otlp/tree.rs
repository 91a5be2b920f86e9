//! The tree that all signals share: resources, in them scopes, in those records. What belongs to a resource or a scope
//! may stand behind its records, so that these are found first and read afterwards.

use crawlspace_model::UnixNanos;

use super::DECODED_BYTES_MAX;
use super::notes::{Notes, Refusal};
use super::origin::{Resource, Scope, Source, carried};
use super::protobuf::{Malformed, Reader};
use crate::batch::TableBuilder;
use crate::{Decoded, Shortened};

/// Why a request is not decoded.
#[derive(Debug)]
pub(super) enum Failure {
    Malformed(Malformed),
    /// The rows would take more than [`DECODED_BYTES_MAX`].
    TooLarge,
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// What decoding one request counts, whatever its signal.
pub(super) struct Intake {
    pub(super) received_at: UnixNanos,
    pub(super) rejected: u64,
    pub(super) notes: Notes,
}

impl Intake {
    pub(super) fn new(received_at: UnixNanos) -> Self {
        Self {
            received_at,
            rejected: 0,
            notes: Notes::default(),
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.rejected += 1;
        self.notes.add(refusal.cause, 1, || refusal.example);
    }

    pub(super) fn into_decoded(
        self,
        accepted: u64,
        builders: impl IntoIterator<Item = TableBuilder>,
    ) -> Decoded {
        let mut texts = 0;
        let batches = builders
            .into_iter()
            .filter(|builder| builder.rows() > 0)
            .map(|builder| {
                texts += builder.truncated();
                (builder.table(), builder.finish())
            });
        Decoded {
            batches: batches.collect(),
            shortened: Shortened {
                texts,
                attribute_lists: self.notes.shortened_lists,
            },
            accepted,
            rejected: self.rejected,
            messages: self.notes.into_messages(),
        }
    }
}

/// The rows that one signal's records become.
pub(super) trait Rows<'a> {
    fn intake(&mut self) -> &mut Intake;
    fn add_scope(&mut self, source: &Source<'_>, records: &[Reader<'a>]) -> Result<(), Failure>;
}

/// Adds the records of all resources of a request.
///
/// # Errors
/// Those of `rows`, and of bytes that are no such message.
pub(super) fn add_resources<'a>(body: &'a [u8], rows: &mut impl Rows<'a>) -> Result<(), Failure> {
    let mut request = Reader::new(body);
    while let Some(tag) = request.tag()? {
        match tag.field {
            1 => add_resource(request.message(tag)?, rows)?,
            _ => request.skip(tag)?,
        }
    }
    Ok(())
}

fn add_resource<'a>(mut group: Reader<'a>, rows: &mut impl Rows<'a>) -> Result<(), Failure> {
    let (mut resource, mut schema_url) = (Resource::default(), "");
    let mut scopes = Vec::new();
    while let Some(tag) = group.tag()? {
        match tag.field {
            1 => resource.merge(group.message(tag)?)?,
            2 => scopes.push(group.message(tag)?),
            3 => schema_url = group.text(tag)?,
            _ => group.skip(tag)?,
        }
    }
    rows.intake().notes.shorten(resource.attributes.extra);
    resource.attributes.make_unique();
    for scope in scopes {
        add_scope(scope, &resource, schema_url, rows)?;
    }
    Ok(())
}

fn add_scope<'a>(
    mut group: Reader<'a>,
    resource: &Resource<'a>,
    resource_schema_url: &'a str,
    rows: &mut impl Rows<'a>,
) -> Result<(), Failure> {
    let (mut scope, mut schema_url) = (Scope::default(), "");
    let mut records = Vec::new();
    while let Some(tag) = group.tag()? {
        match tag.field {
            1 => scope.merge(group.message(tag)?)?,
            2 => records.push(group.message(tag)?),
            3 => schema_url = group.text(tag)?,
            _ => group.skip(tag)?,
        }
    }
    // A scope without records is no work: millions of them fit in a body.
    if records.is_empty() {
        return Ok(());
    }
    rows.intake().notes.shorten(scope.attributes.extra);
    scope.attributes.make_unique();
    let source = Source {
        resource: &resource.attributes.entries,
        scope: &scope,
        carried: carried(resource, resource_schema_url, &scope, schema_url),
    };
    rows.add_scope(&source, &records)
}

/// # Errors
/// `TooLarge` when the rows so far take more than [`DECODED_BYTES_MAX`].
pub(super) fn check_size(bytes: usize) -> Result<(), Failure> {
    if bytes > DECODED_BYTES_MAX {
        return Err(Failure::TooLarge);
    }
    Ok(())
}
