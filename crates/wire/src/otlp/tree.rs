//! The tree that all signals share: resources, in them scopes, in those records.

use crawlspace_model::UnixNanos;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::DECODED_BYTES_MAX;
use super::notes::{Notes, Refusal};
use super::origin::{Source, carried};
use super::value::unique_attributes;
use crate::batch::TableBuilder;
use crate::{Decoded, Error};

/// One resource with what came from it.
pub(super) trait ResourceGroup {
    type Scope: ScopeGroup;
    fn new(resource: Option<Resource>, schema_url: String, scopes: Vec<Self::Scope>) -> Self;
    fn resource(&self) -> Option<&Resource>;
    fn schema_url(&self) -> &str;
    fn scopes(&self) -> &[Self::Scope];
}

/// One scope with its records.
pub(super) trait ScopeGroup {
    type Record;
    fn new(
        scope: Option<InstrumentationScope>,
        schema_url: String,
        records: Vec<Self::Record>,
    ) -> Self;
    fn scope(&self) -> Option<&InstrumentationScope>;
    fn schema_url(&self) -> &str;
    fn records(&self) -> &[Self::Record];
}

macro_rules! groups {
    ($resource:ident, $scopes:ident, $scope:ident, $records:ident, $record:ident) => {
        impl ResourceGroup for $resource {
            type Scope = $scope;
            fn new(resource: Option<Resource>, schema_url: String, $scopes: Vec<$scope>) -> Self {
                Self {
                    resource,
                    $scopes,
                    schema_url,
                }
            }
            fn resource(&self) -> Option<&Resource> {
                self.resource.as_ref()
            }
            fn schema_url(&self) -> &str {
                &self.schema_url
            }
            fn scopes(&self) -> &[$scope] {
                &self.$scopes
            }
        }
        impl ScopeGroup for $scope {
            type Record = $record;
            fn new(
                scope: Option<InstrumentationScope>,
                schema_url: String,
                $records: Vec<$record>,
            ) -> Self {
                Self {
                    scope,
                    $records,
                    schema_url,
                }
            }
            fn scope(&self) -> Option<&InstrumentationScope> {
                self.scope.as_ref()
            }
            fn schema_url(&self) -> &str {
                &self.schema_url
            }
            fn records(&self) -> &[$record] {
                &self.$records
            }
        }
    };
}
groups!(ResourceSpans, scope_spans, ScopeSpans, spans, Span);
groups!(ResourceLogs, scope_logs, ScopeLogs, log_records, LogRecord);
groups!(
    ResourceMetrics,
    scope_metrics,
    ScopeMetrics,
    metrics,
    Metric
);

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
        let batches = builders
            .into_iter()
            .filter(|builder| builder.rows() > 0)
            .map(|builder| (builder.table(), builder.finish()));
        Decoded {
            batches: batches.collect(),
            accepted,
            rejected: self.rejected,
            messages: self.notes.into_messages(),
        }
    }
}

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
