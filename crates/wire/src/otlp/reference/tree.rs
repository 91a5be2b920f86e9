//! The tree that all signals share: resources, in them scopes, in those records.

use super::origin::{Source, carried};
use super::value::unique_attributes;
use crate::Error;
use crate::otlp::DECODED_BYTES_MAX;
use crate::otlp::encode::tree::{ResourceGroup, ScopeGroup};
use crate::otlp::tree::Intake;

/// The rows that one signal's records become.
pub(super) trait Rows {
    type Record;
    /// The cause of a refusal for values nested too deeply.
    const TOO_DEEP: &'static str;

    fn intake(&mut self) -> &mut Intake;
    /// How many rows `record` should become.
    fn count(record: &Self::Record) -> u64;
    fn add_scope(&mut self, source: &Source<'_>, records: &[Self::Record]) -> Result<(), Error>;
}

/// Adds the records of all resources.
///
/// # Errors
/// Those of `rows`.
pub(super) fn add_resources<G: ResourceGroup, R>(groups: &[G], rows: &mut R) -> Result<(), Error>
where
    R: Rows<Record = <G::Scope as ScopeGroup>::Record>,
{
    for group in groups {
        let resource = group.resource();
        let list = resource.map_or(&[][..], |resource| &resource.attributes);
        let resource_attributes = unique_attributes(list, &mut rows.intake().notes);
        // A scope without records is no work: millions of them fit in a body.
        for scope_group in group.scopes() {
            let records = scope_group.records();
            if records.is_empty() {
                continue;
            }
            let scope = scope_group.scope();
            let list = scope.map_or(&[][..], |scope| &scope.attributes);
            let scope_attributes = unique_attributes(list, &mut rows.intake().notes);
            let (Ok(resource_attributes), Ok(scope_attributes)) =
                (&resource_attributes, &scope_attributes)
            else {
                let count = records.iter().map(R::count).sum();
                let intake = rows.intake();
                intake.rejected += count;
                intake.notes.add(R::TOO_DEEP, count, || {
                    "one of a resource or a scope".to_owned()
                });
                continue;
            };
            let source = Source {
                resource: resource_attributes,
                scope,
                scope_attributes,
                carried: carried(
                    resource,
                    group.schema_url(),
                    scope,
                    scope_group.schema_url(),
                ),
            };
            rows.add_scope(&source, records)?;
        }
    }
    Ok(())
}

/// # Errors
/// `TooLarge` when the rows so far take more than [`DECODED_BYTES_MAX`].
pub(super) fn check_size(bytes: usize) -> Result<(), Error> {
    if bytes > DECODED_BYTES_MAX {
        return Err(Error::Decoded {
            limit: DECODED_BYTES_MAX,
        });
    }
    Ok(())
}
