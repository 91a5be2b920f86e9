//! Relations of a span: `root.x`, `parent.x` and `any.x` read the field `x` of another span of its trace. Each becomes a
//! join with the columns that are named, over all parts and memory of one snapshot.

use std::collections::BTreeSet;

use crawlspace_lake::TableSnapshot;
use crawlspace_model::Table;

use super::condition::{Conjunct, quoted};
use crate::attribute;
use crate::error::Error;
use crate::identifiers::Columns;

/// Which other span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The first span of the trace that has no parent.
    Root,
    /// The span that this one names as its parent.
    Parent,
    /// Some span of the trace, be it this one.
    Any,
}

impl Relation {
    /// The relation that a name starts with, and the rest.
    pub(crate) fn of(name: &str) -> Option<(Self, &str)> {
        let relations = [
            ("root.", Self::Root),
            ("parent.", Self::Parent),
            ("any.", Self::Any),
        ];
        relations
            .into_iter()
            .find_map(|(prefix, relation)| Some((relation, name.strip_prefix(prefix)?)))
    }
}

/// What a question of the query API may name: the fields of its table, and for spans those of related ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub table: &'a TableSnapshot,
}

impl Scope<'_> {
    /// The relation that a name means. An attribute of that very name goes first.
    pub(crate) fn relation<'n>(&self, name: &'n str) -> Option<(Relation, &'n str)> {
        if self.table.table != Table::Spans || self.table.attribute(name).is_some() {
            return None;
        }
        Relation::of(name).filter(|(_, field)| attribute::is_known(self.table, field))
    }

    /// A field as an SQL identifier.
    pub(crate) fn field(&self, name: &str) -> Result<String, Error> {
        if self.has_column(self.table.table, name) {
            return Ok(quoted(name));
        }
        let names = self.names(self.table.table);
        Err(Error::unknown_field(name, names.iter().map(String::as_str)))
    }
}

impl Columns for Scope<'_> {
    fn has_column(&self, _: Table, name: &str) -> bool {
        self.relation(name).is_some() || attribute::is_known(self.table, name)
    }

    fn names(&self, table: Table) -> BTreeSet<String> {
        let own = attribute::names(self.table);
        if table != Table::Spans {
            return own;
        }
        let prefixes = ["", "root.", "parent.", "any."];
        let of = |name: &String| prefixes.map(|prefix| format!("{prefix}{name}"));
        own.iter().flat_map(of).collect()
    }
}

/// The related fields that a question names, under their own names.
#[derive(Debug, Default)]
pub(crate) struct Related {
    root: BTreeSet<String>,
    parent: BTreeSet<String>,
    /// Of groups: each different value makes one.
    any: BTreeSet<String>,
    /// Of calculations: the function and the field.
    any_calculated: BTreeSet<(&'static str, String)>,
}

impl Related {
    pub(crate) fn name(&mut self, relation: Relation, field: &str) {
        let fields = match relation {
            Relation::Root => &mut self.root,
            Relation::Parent => &mut self.parent,
            Relation::Any => &mut self.any,
        };
        fields.insert(field.to_owned());
    }

    /// The column of `function` over the field's values in the whole trace.
    pub(crate) fn calculate(&mut self, function: &'static str, field: &str) {
        self.any_calculated.insert((function, field.to_owned()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_empty()
            && self.parent.is_empty()
            && self.any.is_empty()
            && self.any_calculated.is_empty()
    }

    /// Names of the table's own that the joins need.
    pub(crate) fn needed(&self) -> Vec<&'static str> {
        let mut needed = Vec::new();
        if !self.is_empty() {
            needed.push("$trace_id");
        }
        if !self.parent.is_empty() {
            needed.extend(["$span_id", "$parent_span_id"]);
        }
        needed
    }

    /// The joins that follow `FROM spans`. `window` are the conditions on the times of related spans.
    pub(crate) fn joins(&self, window: &[String]) -> String {
        let mut joins = String::new();
        let mut join = |columns: Vec<String>, conditions: Vec<String>, rest: &str, on: &str| {
            let filter = filter_of(conditions.into_iter().chain(window.iter().cloned()));
            let columns = columns.join(", ");
            joins += &format!(" LEFT JOIN (SELECT {columns} FROM spans{filter}{rest}) ON {on}");
        };
        // A span that was stored twice has one first row.
        let first = |prefix: &str, field: &String| {
            let name = quoted(&format!("{prefix}.{field}"));
            let field = quoted(field);
            format!("first_value({field} ORDER BY \"time\", received_at) AS {name}")
        };
        if !self.root.is_empty() {
            let fields = self.root.iter().map(|field| first("root", field));
            join(
                columns(["\"$trace_id\" AS \"root.$trace\""], fields),
                vec!["parent_span_id IS NULL".to_owned()],
                " GROUP BY \"$trace_id\"",
                "\"$trace_id\" = \"root.$trace\"",
            );
        }
        if !self.parent.is_empty() {
            let fields = self.parent.iter().map(|field| first("parent", field));
            let keys = [
                "\"$trace_id\" AS \"parent.$trace\"",
                "\"$span_id\" AS \"parent.$span\"",
            ];
            join(
                columns(keys, fields),
                Vec::new(),
                " GROUP BY \"$trace_id\", \"$span_id\"",
                "\"$trace_id\" = \"parent.$trace\" AND \"$parent_span_id\" = \"parent.$span\"",
            );
        }
        if !self.any.is_empty() {
            let fields = self.any.iter().map(|field| any(field));
            let is_there = self
                .any
                .iter()
                .map(|field| format!("{} IS NOT NULL", quoted(field)));
            let is_there = is_there.collect::<Vec<_>>().join(" OR ");
            join(
                columns(["DISTINCT \"$trace_id\" AS \"any.$trace\""], fields),
                vec![format!("({is_there})")],
                "",
                "\"$trace_id\" = \"any.$trace\"",
            );
        }
        if !self.any_calculated.is_empty() {
            let fields = self.any_calculated.iter().map(|(function, field)| {
                let name = quoted(&any_calculated(function, field));
                format!("{function}({}) AS {name}", quoted(field))
            });
            join(
                columns(["\"$trace_id\" AS \"any.$calculated\""], fields),
                Vec::new(),
                " GROUP BY \"$trace_id\"",
                "\"$trace_id\" = \"any.$calculated\"",
            );
        }
        joins
    }
}

/// The column of a calculation over all spans of a trace.
pub(crate) fn any_calculated(function: &str, field: &str) -> String {
    format!("{function}(any.{field})")
}

/// The condition that some span of the trace fulfils all of these.
pub(crate) fn exists(conjuncts: &[&Conjunct], scope: Scope<'_>, window: &[String]) -> String {
    let named = conjuncts.iter().flat_map(|conjunct| &conjunct.named);
    let fields: BTreeSet<&str> = named
        .filter_map(|name| match scope.relation(name) {
            Some((Relation::Any, field)) => Some(field),
            _ => None,
        })
        .collect();
    let fields = fields.into_iter().map(any);
    let columns = columns(["\"$trace_id\" AS \"any.$trace\""], fields).join(", ");
    let conditions = conjuncts.iter().map(|conjunct| conjunct.sql.as_str());
    let conditions = conditions.collect::<Vec<_>>().join(" AND ");
    let filter = filter_of(window.iter().cloned());
    format!(
        "EXISTS (SELECT 1 FROM (SELECT {columns} FROM spans{filter}) \
         WHERE \"any.$trace\" = \"$trace_id\" AND {conditions})"
    )
}

/// `WHERE` all of these; nothing without any.
pub(crate) fn filter_of(conditions: impl Iterator<Item = String>) -> String {
    let conditions: Vec<String> = conditions.collect();
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

fn any(field: impl AsRef<str>) -> String {
    let field = field.as_ref();
    format!("{} AS {}", quoted(field), quoted(&format!("any.{field}")))
}

fn columns<const N: usize>(keys: [&str; N], fields: impl Iterator<Item = String>) -> Vec<String> {
    keys.into_iter().map(str::to_owned).chain(fields).collect()
}
