//! The tree that all signals share, as generated structs: resources, in them scopes, in those records. It is written
//! here; only tests read it.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// One resource with what came from it.
pub(in crate::otlp) trait ResourceGroup {
    type Scope: ScopeGroup;
    fn new(resource: Option<Resource>, schema_url: String, scopes: Vec<Self::Scope>) -> Self;
    #[cfg(test)]
    fn resource(&self) -> Option<&Resource>;
    #[cfg(test)]
    fn schema_url(&self) -> &str;
    #[cfg(test)]
    fn scopes(&self) -> &[Self::Scope];
}

/// One scope with its records.
pub(in crate::otlp) trait ScopeGroup {
    type Record;
    fn new(
        scope: Option<InstrumentationScope>,
        schema_url: String,
        records: Vec<Self::Record>,
    ) -> Self;
    #[cfg(test)]
    fn scope(&self) -> Option<&InstrumentationScope>;
    #[cfg(test)]
    fn schema_url(&self) -> &str;
    #[cfg(test)]
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
            #[cfg(test)]
            fn resource(&self) -> Option<&Resource> {
                self.resource.as_ref()
            }
            #[cfg(test)]
            fn schema_url(&self) -> &str {
                &self.schema_url
            }
            #[cfg(test)]
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
            #[cfg(test)]
            fn scope(&self) -> Option<&InstrumentationScope> {
                self.scope.as_ref()
            }
            #[cfg(test)]
            fn schema_url(&self) -> &str {
                &self.schema_url
            }
            #[cfg(test)]
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
