//! Where a row came from: its attributes back in the lists of the record, the scope and the
//! resource, and what `otlp` says of these.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _};
use crawlspace_model::Table;
use crawlspace_model::names::{RESOURCE_PREFIX, SCOPE_PREFIX, key_of_column};
use crawlspace_model::table::OVERFLOW;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::cells::{Row, text_at, value_at};
use super::value::{Members, any, key_value, parse};

const SERVICE_NAME: &str = "service.name";

/// What a row says beside the columns of its signal.
pub(super) struct Parts {
    pub(super) attributes: Vec<KeyValue>,
    pub(super) members: Members,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    pub(super) resource: Resource,
    pub(super) resource_schema_url: String,
    pub(super) scope: InstrumentationScope,
    pub(super) scope_schema_url: String,
}

/// Takes rows of one table apart.
pub(super) struct Origins {
    table: Table,
    /// The last row's text, and what it says: mostly the same again.
    text: String,
    sources: Vec<Source>,
}

/// A column that came from the resource or the scope.
struct Source {
    is_resource: bool,
    column: String,
    key: String,
}

impl Origins {
    pub(super) fn new(table: Table) -> Self {
        Self {
            table,
            text: String::new(),
            sources: Vec::new(),
        }
    }

    pub(super) fn parts(&mut self, row: Row<'_>) -> Parts {
        let text = row.text("attribute_sources").unwrap_or_default();
        if self.text != text {
            text.clone_into(&mut self.text);
            self.sources = sources(text);
        }
        let mut columns = attribute_columns(self.table, row);
        let (mut resource, mut scope) = (Vec::new(), Vec::new());
        for source in &self.sources {
            let value = if source.column == SERVICE_NAME {
                Some(any(Any::StringValue(row.owned_text(SERVICE_NAME))))
            } else {
                columns.remove(source.column.as_str())
            };
            let list = if source.is_resource {
                &mut resource
            } else {
                &mut scope
            };
            list.extend(value.map(|value| key_value(source.key.clone(), value)));
        }
        let own = columns.into_iter();
        let members = Members::parse(row.text("otlp"));
        let entities = members.list("resource.entity_refs");
        Parts {
            attributes: own
                .map(|(column, value)| key_value(key_of_column(column).to_owned(), value))
                .collect(),
            origin: Origin {
                resource: Resource {
                    attributes: resource,
                    dropped_attributes_count: members.count("resource.dropped_attributes_count"),
                    entity_refs: entities.into_iter().map(entity).collect(),
                },
                resource_schema_url: members.text("resource.schema_url"),
                scope: InstrumentationScope {
                    name: row.owned_text("scope.name"),
                    version: row.owned_text("scope.version"),
                    attributes: scope,
                    dropped_attributes_count: members.count("scope.dropped_attributes_count"),
                },
                scope_schema_url: members.text("scope.schema_url"),
            },
            members,
        }
    }
}

/// All attributes of a row by column, from the columns of their own and from the overflow.
fn attribute_columns(table: Table, row: Row<'_>) -> BTreeMap<&str, AnyValue> {
    let mut columns = BTreeMap::new();
    let named = row
        .batch
        .schema_ref()
        .fields()
        .iter()
        .zip(row.batch.columns());
    for (field, column) in named {
        let is_fixed = || {
            table
                .fixed_columns()
                .iter()
                .any(|fixed| fixed.name == field.name())
        };
        // Most are null: that is asked first.
        if column.is_valid(row.at) && !is_fixed() {
            columns.extend(value_at(column, row.at).map(|value| (field.name().as_str(), value)));
        }
    }
    if let Some(overflow) = row.column(OVERFLOW).and_then(|maps| maps.as_map_opt()) {
        let offsets = overflow.value_offsets();
        for at in offsets[row.at]..offsets[row.at + 1] {
            let at = usize::try_from(at).expect("offsets are not negative");
            let name = text_at(overflow.keys(), at);
            let value = text_at(overflow.values(), at).and_then(parse);
            columns.extend(name.zip(value));
        }
    }
    columns
}

fn sources(text: &str) -> Vec<Source> {
    let lists = Members::parse(Some(text));
    let mut sources = Vec::new();
    for (name, is_resource, prefix) in [
        ("resource", true, ""),
        ("scope", false, ""),
        ("resource_shadowed", true, RESOURCE_PREFIX),
        ("scope_shadowed", false, SCOPE_PREFIX),
    ] {
        let entries = lists.list(name).into_iter();
        sources.extend(entries.filter_map(|entry| {
            let (column, key) = match entry.value? {
                Any::StringValue(column) => {
                    let key = key_of_column(&column);
                    let key = key.strip_prefix(prefix).unwrap_or(key).to_owned();
                    (column, key)
                }
                Any::ArrayValue(pair) => {
                    let mut texts = pair.values.into_iter().filter_map(text_of);
                    (texts.next()?, texts.next()?)
                }
                _ => return None,
            };
            Some(Source {
                is_resource,
                column,
                key,
            })
        }));
    }
    sources
}

fn text_of(value: AnyValue) -> Option<String> {
    match value.value {
        Some(Any::StringValue(text)) => Some(text),
        _ => None,
    }
}

fn entity(value: AnyValue) -> EntityRef {
    let members = Members::of(Some(value));
    let texts = |name| members.list(name).into_iter().filter_map(text_of).collect();
    EntityRef {
        schema_url: members.text("schema_url"),
        r#type: members.text("type"),
        id_keys: texts("id_keys"),
        description_keys: texts("description_keys"),
    }
}
