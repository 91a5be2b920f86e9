//! The questions behind the map's numbers: each joins the spans anew, in SQL.

use super::calls::EdgeKind;
use super::catalogue::Catalogue;
use super::fields::{Fields, Text};
use super::node::Identity;
use crate::Evidence;
use crate::spans::period::Period;

/// Of one span twice stored, the first one is the parent.
const FIRST: &str = "ORDER BY \"time\", received_at";

/// Writes queries.
pub(super) struct Questions<'a> {
    pub fields: &'a Fields,
    pub period: &'a Period,
    pub catalogue: &'a Catalogue,
}

impl Questions<'_> {
    /// The calls from one node to another.
    pub(super) fn edge(
        &self,
        from: &Identity,
        to: &Identity,
        kind: EdgeKind,
        is_unanswered: bool,
    ) -> Evidence {
        let calls = match (kind, to) {
            (EdgeKind::Call, Identity::Owner { service, .. }) => {
                let crossing = self.crossing(from, to);
                let by_name = service.as_ref().filter(|_| is_unanswered).map(|service| {
                    let name = format!("\"s.remote\" = {}", literal(&service.to_lowercase()));
                    self.outgoing(Some(from), kind, &name)
                });
                match by_name {
                    Some(by_name) => format!("{crossing} UNION ALL {by_name}"),
                    None => crossing,
                }
            }
            (EdgeKind::Receive | EdgeKind::Message, _) => self.messages(Some(from), Some(to), kind),
            _ => self.outgoing(Some(from), kind, &self.target(to)),
        };
        let server = "coalesce(sum(CASE WHEN \"server_error\" THEN \"weight\" ELSE 0.0 END), 0.0) AS \"server_errors\"";
        Evidence(format!(
            "SELECT {}, coalesce(sum(\"unanswered\"), 0.0) AS \"unanswered\", {server}, {} FROM ({calls})",
            self.figures("TRUE"),
            percentiles("server_", "\"server_latency\"", "\"weight\""),
        ))
    }

    /// What a node was asked.
    pub(super) fn node(&self, node: &Identity) -> Evidence {
        let kind = match node {
            Identity::Owner { .. } => return self.owner(node),
            Identity::Store { .. } => EdgeKind::Query,
            Identity::Queue { .. } => EdgeKind::Send,
            _ => EdgeKind::Call,
        };
        let calls = self.outgoing(None, kind, &self.target(node));
        Evidence(format!("SELECT {} FROM ({calls})", self.figures("TRUE")))
    }

    /// How many events call something without a name.
    pub(super) fn unnamed(&self) -> Evidence {
        let nothing = "\"s.db\" IS NULL AND \"s.queue_system\" IS NULL AND \"s.queue_name\" IS NULL \
                       AND \"s.remote\" IS NULL";
        let calls = self.outgoing(None, EdgeKind::Call, nothing);
        Evidence(format!(
            "SELECT coalesce(sum(\"weight\"), 0.0) AS \"calls\" FROM ({calls})"
        ))
    }

    fn owner(&self, node: &Identity) -> Evidence {
        let is_entry = format!("(\"p.span\" IS NULL OR NOT {})", same("p", "s"));
        let spans = format!(
            "SELECT \"s.weight\" AS \"weight\", \"s.error\" AS \"error\", \"s.duration\" AS \"latency\", \
             {is_entry} AS \"entry\" FROM {}{} WHERE {} AND \"s.counts\"",
            self.own(),
            self.parents(),
            is("s", node),
        );
        Evidence(format!(
            "SELECT coalesce(sum(\"weight\"), 0.0) AS \"spans\", {} FROM ({spans})",
            self.figures("\"entry\"")
        ))
    }

    /// Spans whose parent is another node's.
    fn crossing(&self, from: &Identity, to: &Identity) -> String {
        format!(
            "SELECT \"s.weight\" AS \"weight\", \
             CASE WHEN \"p.outgoing\" THEN \"p.error\" ELSE \"s.error\" END AS \"error\", \
             CASE WHEN \"p.outgoing\" THEN \"p.duration\" ELSE \"s.duration\" END AS \"latency\", \
             \"s.error\" AS \"server_error\", \"s.duration\" AS \"server_latency\", 0.0 AS \"unanswered\" \
             FROM {}{} WHERE {} AND {} AND NOT {} AND NOT \"s.incoming\" AND (\"s.counts\" OR \"p.counts\")",
            self.own(),
            self.parents(),
            is("s", to),
            is("p", from),
            same("p", "s"),
        )
    }

    /// Spans that call what `target` says, and have no span of the called side.
    fn outgoing(&self, from: Option<&Identity>, kind: EdgeKind, target: &str) -> String {
        let from = from.map_or_else(|| "TRUE".to_owned(), |from| is("s", from));
        let also = match kind {
            EdgeKind::Call => " OR \"c.outgoing\"",
            _ => "",
        };
        let answered = format!(
            " AND NOT EXISTS (SELECT 1 FROM (SELECT \"$trace_id\" AS \"c.trace\", \"$parent_span_id\" AS \"c.parent\", \
             {} AS \"c.service\", {} AS \"c.browser\", {} AS \"c.outgoing\" FROM spans \
             WHERE {} AND parent_span_id IS NOT NULL) \
             WHERE \"c.trace\" = \"s.trace\" AND \"c.parent\" = \"s.span\" AND (NOT {}{also}))",
            self.fields.text(Text::Service),
            self.fields.browser,
            self.fields.outgoing,
            self.period.window(),
            same("c", "s"),
        );
        let answered = match kind {
            EdgeKind::Send => "",
            _ => &answered,
        };
        format!(
            "SELECT \"s.weight\" AS \"weight\", \"s.error\" AS \"error\", \"s.duration\" AS \"latency\", \
             CAST(NULL AS BOOLEAN) AS \"server_error\", CAST(NULL AS BIGINT) AS \"server_latency\", \
             \"s.weight\" AS \"unanswered\" FROM {}{} \
             WHERE {from} AND \"s.outgoing\" AND \"s.counts\" AND {target} \
             AND NOT coalesce({} AND \"p.outgoing\" AND (\"p.db\" IS NOT NULL OR \"p.queue_system\" IS NOT NULL \
             OR \"p.queue_name\" IS NOT NULL), FALSE){answered}",
            self.own(),
            self.parents(),
            same("p", "s"),
        )
    }

    /// Spans that take a message.
    fn messages(&self, from: Option<&Identity>, to: Option<&Identity>, kind: EdgeKind) -> String {
        let by_parent = format!("(\"p.span\" IS NOT NULL AND NOT {})", same("p", "s"));
        let has_queue = |of: &str| {
            format!("(\"{of}.queue_system\" IS NOT NULL OR \"{of}.queue_name\" IS NOT NULL)")
        };
        let queue = |what: &str| {
            format!(
                "CASE WHEN {} THEN \"s.queue_{what}\" WHEN {by_parent} THEN \
                 CASE WHEN \"p.outgoing\" THEN \"p.queue_{what}\" END \
                 WHEN \"l.outgoing\" THEN \"l.queue_{what}\" END",
                has_queue("s")
            )
        };
        let (system, name) = (queue("system"), queue("name"));
        let from = match (kind, from) {
            (
                EdgeKind::Receive,
                Some(Identity::Queue {
                    system: of,
                    name: called,
                }),
            ) => {
                format!(
                    "{} AND {}",
                    equals(&format!("({system})"), of),
                    equals(&format!("({name})"), called)
                )
            }
            (_, Some(from)) => format!(
                "({system}) IS NULL AND ({name}) IS NULL AND (({by_parent} AND {}) OR (NOT {by_parent} AND {}))",
                is("p", from),
                is("l", from)
            ),
            (_, None) => "TRUE".to_owned(),
        };
        let to = to.map_or_else(|| "TRUE".to_owned(), |to| is("s", to));
        format!(
            "SELECT \"s.weight\" AS \"weight\", \"s.error\" AS \"error\", \"s.duration\" AS \"latency\", \
             \"s.error\" AS \"server_error\", \"s.duration\" AS \"server_latency\", 0.0 AS \"unanswered\" \
             FROM {}{}{} WHERE {to} AND \"s.incoming\" AND NOT coalesce({} AND \"p.incoming\", FALSE) \
             AND {from} AND (\"s.counts\" OR coalesce(CASE WHEN {by_parent} THEN \"p.counts\" ELSE \"l.counts\" END, FALSE))",
            self.own(),
            self.parents(),
            self.linked(),
            same("p", "s"),
        )
    }

    /// Which of the targets that remote calls, databases and queues name.
    fn target(&self, to: &Identity) -> String {
        match to {
            Identity::Owner { .. } => "FALSE".to_owned(),
            Identity::Store {
                system,
                address,
                namespace,
            } => format!(
                "\"s.db\" = {} AND {} AND {}",
                literal(system),
                equals("\"s.address\"", address),
                equals("\"s.namespace\"", namespace)
            ),
            Identity::Queue { system, name } => format!(
                "{} AND {}",
                equals("\"s.queue_system\"", system),
                equals("\"s.queue_name\"", name)
            ),
            Identity::Vendor { name } | Identity::Host { name } => {
                format!("\"s.remote\" = {}", literal(name))
            }
            Identity::Known { name, .. } => {
                let fits = |host: &str| {
                    let below = host
                        .replace('\\', "\\\\")
                        .replace('%', "\\%")
                        .replace('_', "\\_");
                    format!(
                        "(\"s.remote\" = {} OR \"s.remote\" LIKE {})",
                        literal(host),
                        literal(&format!("%.{below}"))
                    )
                };
                let patterns = self.catalogue.patterns(name).into_iter();
                let patterns = patterns.map(|(host, longer)| {
                    let longer = longer
                        .into_iter()
                        .map(|host| format!(" AND NOT {}", fits(host)));
                    format!("({}{})", fits(host), longer.collect::<String>())
                });
                format!("({})", patterns.collect::<Vec<_>>().join(" OR "))
            }
        }
    }

    /// The spans of the period, as `s.`.
    fn own(&self) -> String {
        format!(
            "(SELECT \"$trace_id\" AS \"s.trace\", \"$span_id\" AS \"s.span\", \"$parent_span_id\" AS \"s.parent\", \
             {}, {} AS \"s.address\", {} AS \"s.namespace\", {} AS \"s.remote\", sample_weight AS \"s.weight\", \
             substr(links, 15, 32) AS \"s.link_trace\", substr(links, 60, 16) AS \"s.link_span\" \
             FROM spans WHERE {})",
            self.columns("s", |expression| expression.to_owned()),
            self.fields.text(Text::Address),
            self.fields.text(Text::Namespace),
            self.fields.remote(),
            self.period.own(),
        )
    }

    /// Their parents, as `p.`.
    fn parents(&self) -> String {
        format!(
            " LEFT JOIN (SELECT \"$trace_id\" AS \"p.trace\", \"$span_id\" AS \"p.span\", {} FROM spans WHERE {} \
             GROUP BY \"$trace_id\", \"$span_id\") ON \"s.trace\" = \"p.trace\" AND \"s.parent\" = \"p.span\"",
            self.columns("p", first),
            self.period.window(),
        )
    }

    /// The spans of their first links, as `l.`.
    fn linked(&self) -> String {
        format!(
            " LEFT JOIN (SELECT trace_id AS \"l.trace\", span_id AS \"l.span\", {} FROM spans WHERE {} \
             GROUP BY trace_id, span_id) ON \"s.link_trace\" = \"l.trace\" AND \"s.link_span\" = \"l.span\"",
            self.columns("l", first),
            self.period.window(),
        )
    }

    /// What is asked of spans, parents and linked ones alike.
    fn columns(&self, of: &str, read: impl Fn(&str) -> String) -> String {
        let fields = self.fields;
        let condition = fields.condition.as_ref();
        let counts = condition.map_or("TRUE".to_owned(), |condition| {
            format!("coalesce(({condition}), FALSE)")
        });
        let columns = [
            ("service", fields.text(Text::Service)),
            ("browser", fields.browser.clone()),
            ("outgoing", fields.outgoing.clone()),
            ("incoming", fields.incoming.clone()),
            ("error", fields.error.to_owned()),
            ("duration", "duration_ns".to_owned()),
            ("db", fields.text(Text::Database)),
            ("queue_system", fields.queue_system()),
            ("queue_name", fields.queue_name()),
            ("counts", counts),
        ];
        let columns =
            columns.map(|(name, expression)| format!("{} AS \"{of}.{name}\"", read(&expression)));
        columns.join(", ")
    }

    /// The numbers of calls, of those that `is_one` says.
    fn figures(&self, is_one: &str) -> String {
        let (weight, latency) = match is_one {
            "TRUE" => ("\"weight\"".to_owned(), "\"latency\"".to_owned()),
            _ => (
                format!("CASE WHEN {is_one} THEN \"weight\" ELSE 0.0 END"),
                format!("CASE WHEN {is_one} THEN \"latency\" END"),
            ),
        };
        let calls = format!("coalesce(sum({weight}), 0.0)");
        let rate = match self.period.seconds() {
            Some(seconds) => format!("{calls} / {seconds:?}"),
            None => "CAST(NULL AS DOUBLE)".to_owned(),
        };
        format!(
            "{calls} AS \"calls\", {rate} AS \"rate\", \
             coalesce(sum(CASE WHEN \"error\" THEN {weight} ELSE 0.0 END), 0.0) AS \"errors\", {}",
            percentiles("", &latency, "\"weight\"")
        )
    }
}

fn percentiles(prefix: &str, value: &str, weight: &str) -> String {
    let columns = [("p50", "0.5"), ("p95", "0.95"), ("p99", "0.99")].map(|(name, fraction)| {
        format!("percentile({value}, {fraction}, {weight}) AS \"{prefix}{name}_ns\"")
    });
    columns.join(", ")
}

fn first(expression: &str) -> String {
    format!("first_value({expression} {FIRST})")
}

/// Whether the span `of` belongs to a node.
fn is(of: &str, node: &Identity) -> String {
    let Identity::Owner {
        service,
        is_browser,
    } = node
    else {
        return "FALSE".to_owned();
    };
    let not = if *is_browser { "" } else { "NOT " };
    format!(
        "{} AND {not}\"{of}.browser\"",
        equals(&format!("\"{of}.service\""), service)
    )
}

/// Whether two spans belong to one node. Null if there is no such span.
fn same(one: &str, other: &str) -> String {
    format!(
        "((\"{one}.service\" IS NOT DISTINCT FROM \"{other}.service\") AND \"{one}.browser\" = \"{other}.browser\")"
    )
}

fn equals(expression: &str, value: &Option<String>) -> String {
    match value {
        Some(value) => format!("{expression} = {}", literal(value)),
        None => format!("{expression} IS NULL"),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
