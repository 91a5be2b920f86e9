//! What the records of one resource and scope share: the fixed columns and attributes that repeat
//! on every row, and the text that tells an exporter where each attribute came from.

use std::borrow::Cow;

use crawlspace_model::attribute::Value;
use crawlspace_model::names::{RESOURCE_PREFIX, SCOPE_PREFIX, column_of_key, key_of_column};

use super::protobuf::{Malformed, Reader};
use super::row::{json_object, push_count, push_text, set_text};
use super::value::{Attributes, List};
use crate::batch::{Cell, Fixed, KeyId, TableBuilder, Template};

const SERVICE_NAME: &str = "service.name";

#[derive(Debug, Default)]
pub(super) struct Resource<'a> {
    pub(super) attributes: List<'a>,
    dropped_attributes_count: u32,
    entities: Vec<Entity<'a>>,
}

#[derive(Debug, Default)]
struct Entity<'a> {
    schema_url: &'a str,
    kind: &'a str,
    id_keys: Vec<&'a str>,
    description_keys: Vec<&'a str>,
}

#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    name: &'a str,
    version: &'a str,
    pub(super) attributes: List<'a>,
    dropped_attributes_count: u32,
}

impl<'a> Resource<'a> {
    pub(super) fn merge(&mut self, mut message: Reader<'a>) -> Result<(), Malformed> {
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => self.attributes.add(message.message(tag)?)?,
                2 => self.dropped_attributes_count = message.uint32(tag)?,
                3 => self.entities.push(Entity::read(message.message(tag)?)?),
                _ => message.skip(tag)?,
            }
        }
        Ok(())
    }
}

impl<'a> Entity<'a> {
    fn read(mut message: Reader<'a>) -> Result<Self, Malformed> {
        let mut entity = Self::default();
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => entity.schema_url = message.text(tag)?,
                2 => entity.kind = message.text(tag)?,
                3 => entity.id_keys.push(message.text(tag)?),
                4 => entity.description_keys.push(message.text(tag)?),
                _ => message.skip(tag)?,
            }
        }
        Ok(entity)
    }

    fn to_value(&self) -> Value<'a> {
        Value::Map(vec![
            ("type", Value::String(self.kind)),
            ("schema_url", Value::String(self.schema_url)),
            ("id_keys", texts(&self.id_keys)),
            ("description_keys", texts(&self.description_keys)),
        ])
    }
}

fn texts<'a>(texts: &[&'a str]) -> Value<'a> {
    Value::List(texts.iter().map(|text| Value::String(text)).collect())
}

impl<'a> Scope<'a> {
    pub(super) fn merge(&mut self, mut message: Reader<'a>) -> Result<(), Malformed> {
        while let Some(tag) = message.tag()? {
            match tag.field {
                1 => self.name = message.text(tag)?,
                2 => self.version = message.text(tag)?,
                3 => self.attributes.add(message.message(tag)?)?,
                4 => self.dropped_attributes_count = message.uint32(tag)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(())
    }
}

/// One resource and one of its scopes, with their attributes, each key once per list.
pub(super) struct Source<'a> {
    pub(super) resource: &'a Attributes<'a>,
    pub(super) scope: &'a Scope<'a>,
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
    sample_weight: Fixed,
    /// What the rows have that no attribute of their own gets in the way of: nearly all.
    template: Option<Template>,
    /// The attributes of the last row that were shadowed, and the sources' text for that: mostly
    /// the same again.
    shadowed: Vec<Shadowed>,
    sources: Option<String>,
}

struct Shared<'a> {
    from_resource: bool,
    key: &'a str,
    id: KeyId,
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
    pub(super) fn new(builder: &mut TableBuilder, source: &Source<'a>) -> Self {
        let mut service_name = "";
        let of_scope = source.scope.attributes.entries.iter();
        let all = of_scope.map(|entry| (false, entry));
        let all = all.chain(source.resource.iter().map(|entry| (true, entry)));
        let attributes = all.map(|(from_resource, (key, value))| {
            let (column, value) = match value {
                Value::String(name) if from_resource && *key == SERVICE_NAME => {
                    service_name = name;
                    (SERVICE_NAME.into(), None)
                }
                _ => (column_of_key(builder.table(), key), Some(value)),
            };
            Shared {
                from_resource,
                key,
                id: builder.key(key),
                column,
                value,
            }
        });
        let mut origin = Self {
            attributes: attributes.collect(),
            service_name,
            scope_name: source.scope.name,
            scope_version: source.scope.version,
            sample_weight: builder.fixed("sample_weight"),
            template: None,
            shadowed: Vec::new(),
            sources: None,
        };
        origin.sources = origin.sources_text();
        origin
    }

    /// Fills the columns of the origin in the open row, which has the record's own attributes
    /// already; some of them not before [`finish`](Self::finish).
    pub(super) fn write(&mut self, builder: &mut TableBuilder, sample_weight: f64) {
        builder.set_fixed(self.sample_weight, Cell::Double(sample_weight));
        if let Some(template) = &mut self.template {
            if builder.row_is_special() {
                builder.flush(template);
                self.write_row(builder);
            } else {
                builder.put_template(template);
            }
        } else {
            builder.record();
            self.write_row(builder);
            self.template = builder.recorded();
        }
    }

    /// No more rows are to come from this origin.
    pub(super) fn finish(self, builder: &mut TableBuilder) {
        if let Some(template) = self.template {
            builder.finish_template(template);
        }
    }

    fn write_row(&mut self, builder: &mut TableBuilder) {
        set_text(builder, SERVICE_NAME, self.service_name);
        set_text(builder, "scope.name", self.scope_name);
        set_text(builder, "scope.version", self.scope_version);
        let mut shadowed = Vec::new();
        for (index, shared) in self.attributes.iter().enumerate() {
            let Some(value) = shared.value else { continue };
            if !builder.put_attribute(shared.id, value) {
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
    resource: &Resource<'a>,
    resource_schema_url: &'a str,
    scope: &Scope<'_>,
    scope_schema_url: &'a str,
) -> Attributes<'a> {
    let mut members = Vec::new();
    push_count(
        &mut members,
        "resource.dropped_attributes_count",
        resource.dropped_attributes_count,
    );
    if !resource.entities.is_empty() {
        let entities = resource.entities.iter().map(Entity::to_value).collect();
        members.push(("resource.entity_refs", Value::List(entities)));
    }
    push_text(&mut members, "resource.schema_url", resource_schema_url);
    push_count(
        &mut members,
        "scope.dropped_attributes_count",
        scope.dropped_attributes_count,
    );
    push_text(&mut members, "scope.schema_url", scope_schema_url);
    members
}
