//! Records under the scopes and resources that they share, in the order in which these come first.

use std::collections::HashMap;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::origin::Origin;
use crate::otlp::encode::tree::{ResourceGroup, ScopeGroup};

pub(super) struct Groups<T> {
    resources: Vec<(Resource, String, Vec<usize>)>,
    scopes: Vec<(InstrumentationScope, String, Vec<T>)>,
    resource_at: HashMap<Vec<u8>, usize>,
    scope_at: HashMap<(usize, Vec<u8>), usize>,
}

impl<T> Groups<T> {
    pub(super) fn new() -> Self {
        Self {
            resources: Vec::new(),
            scopes: Vec::new(),
            resource_at: HashMap::new(),
            scope_at: HashMap::new(),
        }
    }

    /// The number of the scope of such records.
    pub(super) fn scope(&mut self, origin: Origin) -> usize {
        let key = key(&origin.resource, &origin.resource_schema_url);
        let resource = *self.resource_at.entry(key).or_insert_with(|| {
            let schema_url = origin.resource_schema_url;
            self.resources
                .push((origin.resource, schema_url, Vec::new()));
            self.resources.len() - 1
        });
        let key = (resource, self::key(&origin.scope, &origin.scope_schema_url));
        *self.scope_at.entry(key).or_insert_with(|| {
            self.scopes
                .push((origin.scope, origin.scope_schema_url, Vec::new()));
            let scope = self.scopes.len() - 1;
            self.resources[resource].2.push(scope);
            scope
        })
    }

    pub(super) fn records(&mut self, scope: usize) -> &mut Vec<T> {
        &mut self.scopes[scope].2
    }

    /// What is empty is left out.
    pub(super) fn finish<G>(self) -> Vec<G>
    where
        G: ResourceGroup,
        G::Scope: ScopeGroup<Record = T>,
    {
        let mut scopes: Vec<Option<G::Scope>> = self
            .scopes
            .into_iter()
            .map(|(scope, schema_url, records)| {
                let scope = (scope != InstrumentationScope::default()).then_some(scope);
                Some(G::Scope::new(scope, schema_url, records))
            })
            .collect();
        let resources = self.resources.into_iter();
        resources
            .map(|(resource, schema_url, of_resource)| {
                let resource = (resource != Resource::default()).then_some(resource);
                let scopes = of_resource.into_iter().filter_map(|at| scopes[at].take());
                G::new(resource, schema_url, scopes.collect())
            })
            .collect()
    }
}

fn key(message: &impl prost::Message, schema_url: &str) -> Vec<u8> {
    let mut key = message.encode_length_delimited_to_vec();
    key.extend_from_slice(schema_url.as_bytes());
    key
}
