//! Which entity is asked about, and which spans are its requests.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use crawlspace_query::Asking;

use super::EntityRequest;
use crate::trees::{Text, Texts, Tree};
use crate::{Error, Insight, sql};

/// An entity and a range of time, as SQL.
#[derive(Debug)]
pub(super) struct Subject {
    pub field: String,
    pub value: String,
    /// Whether the field's values are texts, and written as such.
    is_text: bool,
    /// That time is in the range.
    pub during: String,
}

impl Insight {
    pub(super) async fn subject(
        &self,
        request: &EntityRequest,
        asking: &Asking,
    ) -> Result<Subject, Error> {
        let (start, end) = request.range.bounds(asking.now)?;
        if ["trace_id", "span_id", "parent_span_id"].contains(&request.field.as_str()) {
            let reason =
                "a trace has a page of its own: GET /api/v1/traces/{id}, `crawlspace trace`";
            return Err(Error::Request(reason.to_owned()));
        }
        let of_type = format!(
            "SELECT {} AS \"$value\" FROM spans LIMIT 0",
            sql::name(&request.field)
        );
        let running = self.engine.stream_sql(&of_type, asking).await?;
        let is_text = match running.schema().field(0).data_type() {
            DataType::Int64
            | DataType::Float64
            | DataType::Boolean
            | DataType::Int32
            | DataType::UInt64 => false,
            DataType::Timestamp(..) | DataType::List(_) | DataType::Map(..) => {
                let field = &request.field;
                return Err(Error::Request(format!(
                    "`{field}` names no entity: take a field like user.id"
                )));
            }
            _ => true,
        };
        Ok(Subject {
            field: request.field.clone(),
            value: request.value.clone(),
            is_text,
            during: sql::during(start, end),
        })
    }
}

impl Subject {
    /// That the field has this value.
    pub fn is_it(&self) -> String {
        format!(
            "{} IN ({})",
            sql::name(&self.field),
            self.literal(&self.value)
        )
    }

    /// A value as it is written in SQL. What is no number equals none of a field of numbers.
    pub fn literal(&self, value: &str) -> String {
        let is_plain =
            value.parse::<f64>().is_ok_and(f64::is_finite) || matches!(value, "true" | "false");
        match (self.is_text, is_plain) {
            (true, _) => sql::text(value),
            (false, true) => value.to_owned(),
            (false, false) => "NULL".to_owned(),
        }
    }

    /// What the values of the field are called, several of them.
    pub fn plural(&self) -> String {
        let word = self
            .field
            .strip_suffix(".id")
            .or_else(|| self.field.strip_suffix(".name"));
        let word = word.and_then(|rest| rest.rsplit('.').next());
        match word
            .filter(|word| word.chars().all(|c| c.is_ascii_lowercase()) && !word.ends_with('s'))
        {
            Some(word) => format!("{word}s"),
            None => format!("values of `{}`", self.field),
        }
    }
}

/// What a request of the entity is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit {
    /// A whole trace, whose root has the value.
    Roots,
    /// A whole trace; spans below its root have the value.
    Traces,
    /// A span with the value, of these services and kinds: other spans of the trace have other values, or roots are not
    /// there.
    Spans {
        services: BTreeSet<Option<String>>,
        kinds: BTreeSet<String>,
    },
}

/// From so large a share of traces on, something is taken for the rule.
const RULE_SHARE: f64 = 0.8;

impl Unit {
    #[expect(clippy::cast_precision_loss, reason = "shares of some traces")]
    pub fn of(its: &[Tree], own: Text, subject: &Subject, texts: &Texts) -> Self {
        let share = |is: &dyn Fn(&Tree) -> bool| {
            its.iter().filter(|tree| is(tree)).count() as f64 / its.len().max(1) as f64
        };
        let has_root = share(&|tree| tree.root().is_some());
        let of_root = share(&|tree| {
            tree.root()
                .is_some_and(|root| tree.nodes[root].span.value == Some(own))
        });
        let is_only = share(&|tree| {
            tree.nodes
                .iter()
                .all(|node| node.span.value.is_none_or(|value| value == own))
        });
        if is_only >= RULE_SHARE && of_root >= RULE_SHARE {
            Self::Roots
        } else if is_only >= RULE_SHARE && has_root >= RULE_SHARE {
            Self::Traces
        } else {
            Self::topmost(its, own, subject, texts)
        }
    }

    /// Where its topmost spans are.
    fn topmost(its: &[Tree], own: Text, subject: &Subject, texts: &Texts) -> Self {
        let (mut services, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        for tree in its {
            for node in &tree.nodes {
                let above = node.parent.map(|parent| tree.nodes[parent].span.value);
                if node.span.value != Some(own) || above == Some(Some(own)) {
                    continue;
                }
                services.insert(
                    node.span
                        .service
                        .map(|service| texts.text(service).to_owned()),
                );
                kinds.insert(texts.text(node.span.kind).to_owned());
            }
        }
        // Among services, one is not compared with itself.
        if subject.field == "service.name" {
            services.clear();
        }
        Self::Spans { services, kinds }
    }

    /// Where requests are found, by SQL: what follows FROM, for entities of which `condition` holds, and the field.
    pub fn requests(&self, subject: &Subject, condition: &str) -> (String, String) {
        let (field, during) = (sql::name(&subject.field), &subject.during);
        match self {
            Self::Roots => {
                let found =
                    format!("spans WHERE parent_span_id IS NULL AND {condition} AND {during}");
                (found, field)
            }
            Self::Traces => {
                let traces = format!(
                    "SELECT DISTINCT \"$trace_id\" AS \"$trace\", {field} AS \"$entity\" FROM spans \
                     WHERE {condition} AND {during}"
                );
                let found = format!(
                    "spans JOIN ({traces}) ON \"$trace_id\" = \"$trace\" \
                     WHERE parent_span_id IS NULL AND {during}"
                );
                (found, "\"$entity\"".to_owned())
            }
            Self::Spans { .. } => {
                let here = self.here();
                (
                    format!("spans WHERE {here} AND {condition} AND {during}"),
                    field,
                )
            }
        }
    }

    /// That a span is where requests are.
    fn here(&self) -> String {
        let Self::Spans { services, kinds } = self else {
            return "TRUE".to_owned();
        };
        let kinds = sql::list(kinds.iter().map(String::as_str));
        let named: Vec<&str> = services.iter().flatten().map(String::as_str).collect();
        let of_service = match (named.is_empty(), services.contains(&None)) {
            (true, false) => "TRUE".to_owned(),
            (true, true) => "service.name IS NULL".to_owned(),
            (false, false) => format!("service.name IN ({})", sql::list(named)),
            (false, true) => format!(
                "(service.name IN ({}) OR service.name IS NULL)",
                sql::list(named)
            ),
        };
        match kinds.is_empty() {
            true => "FALSE".to_owned(),
            false => format!("{of_service} AND kind IN ({kinds})"),
        }
    }

    /// The requests in a trace: its own, or where `own` is none, whoever's.
    pub fn tops(&self, tree: &Tree, own: Option<Text>, texts: &Texts) -> Vec<usize> {
        match self {
            Self::Roots | Self::Traces => tree.root().into_iter().collect(),
            Self::Spans { services, kinds } => {
                let all = 0..tree.nodes.len();
                let is_one = |index: &usize| {
                    let span = &tree.nodes[*index].span;
                    let service = span.service.map(|service| texts.text(service).to_owned());
                    span.value.is_some()
                        && (own.is_none() || span.value == own)
                        && kinds.contains(texts.text(span.kind))
                        && (services.is_empty() || services.contains(&service))
                };
                all.filter(is_one).collect()
            }
        }
    }

    pub fn described(&self, subject: &Subject) -> String {
        let field = &subject.field;
        match self {
            Self::Roots => format!("a trace whose root has this {field}"),
            Self::Traces => {
                format!("a trace with a span that has this {field}, measured at its root")
            }
            Self::Spans { services, kinds } => {
                let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
                let services: Vec<&str> = services.iter().flatten().map(String::as_str).collect();
                let of = match services.is_empty() {
                    true => String::new(),
                    false => format!(" of {}", services.join(", ")),
                };
                format!("a span{of} ({}) that has this {field}", kinds.join(", "))
            }
        }
    }
}
