//! What the records of one resource and scope share: the fixed columns and attributes that repeat
//! on every row, and the text that tells an exporter where each attribute came from.

use std::borrow::Cow;

use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_model::names::{RESOURCE_PREFIX, SCOPE_PREFIX, column_of_key, key_of_column};
use opentelemetry_proto::tonic::common::v1::{EntityRef, InstrumentationScope};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::value::Attributes;
use crate::batch::{Cell, TableBuilder};
use crate::otlp::row::{json_object, push_count, push_text, set_text};

const SERVICE_NAME: &str = "service.name";

/// One resource and one of its scopes, with their attributes, each key once per list.
pub(super) struct Source<'a> {
    pub(super) resource: &'a Attributes<'a>,
    pub(super) scope: Option<&'a InstrumentationScope>,
    pub(super) scope_attributes: &'a Attributes<'a>,
    /// What the column `otlp` says of both.
    pub(super) carried: Attributes<'a>,
}

/// The resource and scope of some rows of one table.
///
/// The resource's `service.name` is the fixed column when it is a string (null for an empty one).
/// Of any other kind it is an attribute like others: column `attributes.service.name`, or
/// `resource.service.name` when a record's or a scope's attribute has that.
pub(super) struct Origin<'a> {
    service_name: &'a str,
    scope_name: &'a str,
    scope_version: &'a str,
    /// The scope's, then the resource's: the more specific takes the plain name.
    attributes: Vec<Shared<'a>>,
    /// The attributes of the last row that were shadowed, and the sources' text for that: mostly
    /// the same again.
    shadowed: Vec<Shadowed>,
    sources: Option<String>,
}

struct Shared<'a> {
    from_resource: bool,
    key: &'a str,
    column: Cow<'a, str>,
    /// None for a `service.name` that has its fixed column.
    value: Option<&'a Value<'a>>,
}

/// An attribute whose plain column another attribute of the row has.
#[derive(PartialEq)]
struct Shadowed {
    index: usize,
    column: String,
}

impl<'a> Origin<'a> {
    pub(super) fn new(table: Table, source: &'a Source<'a>) -> Self {
        let (resource, scope_attributes) = (source.resource, source.scope_attributes);
        let mut service_name = "";
        let mut attributes = Vec::with_capacity(resource.len() + scope_attributes.len());
        for (key, value) in scope_attributes {
            let column = column_of_key(table, key);
            attributes.push(Shared {
                from_resource: false,
                key,
                column,
                value: Some(value),
            });
        }
        for (key, value) in resource {
            attributes.push(match value {
                Value::String(name) if *key == SERVICE_NAME => {
                    service_name = name;
                    Shared {
                        from_resource: true,
                        key,
                        column: SERVICE_NAME.into(),
                        value: None,
                    }
                }
                _ => {
                    let column = column_of_key(table, key);
                    Shared {
                        from_resource: true,
                        key,
                        column,
                        value: Some(value),
                    }
                }
            });
        }
        let mut origin = Self {
            service_name,
            scope_name: source.scope.map_or("", |scope| &scope.name),
            scope_version: source.scope.map_or("", |scope| &scope.version),
            attributes,
            shadowed: Vec::new(),
            sources: None,
        };
        origin.sources = origin.sources_text();
        origin
    }

    /// Fills the columns of the origin in the open row, which has the record's own attributes
    /// already.
    pub(super) fn write(&mut self, builder: &mut TableBuilder, sample_weight: f64) {
        set_text(builder, SERVICE_NAME, self.service_name);
        set_text(builder, "scope.name", self.scope_name);
        set_text(builder, "scope.version", self.scope_version);
        builder.set("sample_weight", Cell::Double(sample_weight));
        let mut shadowed = Vec::new();
        for (index, shared) in self.attributes.iter().enumerate() {
            let Some(value) = shared.value else { continue };
            if !builder.attribute(&shared.column, value) {
                let column = put_beside(builder, shared.prefix(), shared.key, value);
                shadowed.push(Shadowed { index, column });
            }
        }
        if shadowed != self.shadowed {
            self.shadowed = shadowed;
            self.sources = self.sources_text();
        }
        if let Some(text) = &self.sources {
            builder.set("attribute_sources", Cell::Json(text));
        }
    }

    /// Compact JSON:
    /// `{"resource":[...],"scope":[...],"resource_shadowed":[...],"scope_shadowed":[...]}`, empty
    /// lists left out, None when all are empty.
    ///
    /// The lists name columns, in the order in which the attributes came in. The key of a column in
    /// the first two is [`key_of_column`]; in the shadowed ones it is that without the leading
    /// `resource.` or `scope.`. Where even the prefixed column was taken, the entry is a pair of
    /// column and key. `service.name` among the resource's means the fixed column, which is null
    /// for an empty name.
    fn sources_text(&self) -> Option<String> {
        let mut lists = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        let mut shadowed = self.shadowed.iter().peekable();
        for (index, shared) in self.attributes.iter().enumerate() {
            let list = usize::from(!shared.from_resource);
            match shadowed.next_if(|shadowed| shadowed.index == index) {
                None => lists[list].push(Value::String(&shared.column)),
                Some(Shadowed { column, .. }) => {
                    let key = key_of_column(column).strip_prefix(shared.prefix());
                    lists[2 + list].push(if key == Some(shared.key) {
                        Value::String(column)
                    } else {
                        Value::List(vec![Value::String(column), Value::String(shared.key)])
                    });
                }
            }
        }
        let names = ["resource", "scope", "resource_shadowed", "scope_shadowed"];
        let members = names
            .into_iter()
            .zip(lists)
            .filter(|(_, list)| !list.is_empty());
        json_object(
            members
                .map(|(name, list)| (name, Value::List(list)))
                .collect(),
        )
    }
}

impl Shared<'_> {
    fn prefix(&self) -> &'static str {
        if self.from_resource {
            RESOURCE_PREFIX
        } else {
            SCOPE_PREFIX
        }
    }
}

/// Puts a shadowed attribute under its prefixed key, with the prefix repeated while that is taken
/// too.
fn put_beside(builder: &mut TableBuilder, prefix: &str, key: &str, value: &Value<'_>) -> String {
    let mut name = format!("{prefix}{key}");
    loop {
        let column = column_of_key(builder.table(), &name);
        if builder.attribute(&column, value) {
            return column.into_owned();
        }
        name.insert_str(0, prefix);
    }
}

/// What the column `otlp` says of the resource and the scope; `docs/reference/schema.md` lists the members.
pub(super) fn carried<'a>(
    resource: Option<&'a Resource>,
    resource_schema_url: &'a str,
    scope: Option<&InstrumentationScope>,
    scope_schema_url: &'a str,
) -> Attributes<'a> {
    let mut members = Vec::new();
    if let Some(resource) = resource {
        push_count(
            &mut members,
            "resource.dropped_attributes_count",
            resource.dropped_attributes_count,
        );
        if !resource.entity_refs.is_empty() {
            let entities = resource.entity_refs.iter().map(entity).collect();
            members.push(("resource.entity_refs", Value::List(entities)));
        }
    }
    push_text(&mut members, "resource.schema_url", resource_schema_url);
    let dropped = scope.map_or(0, |scope| scope.dropped_attributes_count);
    push_count(&mut members, "scope.dropped_attributes_count", dropped);
    push_text(&mut members, "scope.schema_url", scope_schema_url);
    members
}

fn entity(entity: &EntityRef) -> Value<'_> {
    Value::Map(vec![
        ("type", Value::String(&entity.r#type)),
        ("schema_url", Value::String(&entity.schema_url)),
        ("id_keys", texts(&entity.id_keys)),
        ("description_keys", texts(&entity.description_keys)),
    ])
}

fn texts(texts: &[String]) -> Value<'_> {
    Value::List(texts.iter().map(|text| Value::String(text)).collect())
}
