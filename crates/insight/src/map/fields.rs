//! Which attributes say what a span calls, as SQL over the fields that some span has: the scan that draws the map and
//! the queries behind its numbers use the same expressions.

use crawlspace_query::{Engine, Snapshot};

use crate::Error;

const SERVICE: &str = "service.name";
const OPERATIONS: [&str; 2] = ["messaging.operation.type", "messaging.operation"];
const BROWSERS: [&str; 4] = [
    "browser.platform",
    "browser.brands",
    "browser.language",
    "browser.mobile",
];
const LANGUAGE: &str = "telemetry.sdk.language";

/// Texts that are read of each span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Service,
    Database,
    Address,
    Namespace,
    Messaging,
    Destination,
    Peer,
    Url,
}

impl Text {
    pub(super) const ALL: [Self; 8] = [
        Self::Service,
        Self::Database,
        Self::Address,
        Self::Namespace,
        Self::Messaging,
        Self::Destination,
        Self::Peer,
        Self::Url,
    ];

    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Service => SERVICE,
            Self::Database => "db.system.name",
            Self::Address => "server.address",
            Self::Namespace => "db.namespace",
            Self::Messaging => "messaging.system",
            Self::Destination => "messaging.destination.name",
            Self::Peer => "service.peer.name",
            Self::Url => "url.full",
        }
    }
}

/// The expressions, and the fields they may name.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    known: Vec<&'static str>,
    pub browser: String,
    /// Calls something.
    pub outgoing: String,
    /// Takes a message.
    pub incoming: String,
    pub error: &'static str,
    /// Whether a span is asked about at all.
    pub condition: Option<String>,
}

impl Fields {
    /// `condition` is as `where` of the query API, but speaks of the span itself alone.
    pub(super) fn new(
        engine: &Engine,
        snapshot: &Snapshot,
        condition: Option<&str>,
    ) -> Result<Self, Error> {
        let all = Text::ALL.iter().map(|text| text.field());
        let all = all.chain(OPERATIONS).chain(BROWSERS).chain([LANGUAGE]);
        let mut known = Vec::new();
        for name in all {
            if engine.has_field(snapshot, "spans", name)? {
                known.push(name);
            }
        }
        let condition = match condition {
            Some(text) => engine.own_condition(snapshot, "spans", text)?,
            None => None,
        };
        let operations = OPERATIONS.iter().filter(|name| known.contains(*name));
        let operations: Vec<String> = operations.map(|name| text(name)).collect();
        let is_one_of = |values: &str| match operations.is_empty() {
            true => "FALSE".to_owned(),
            false => format!("coalesce({}, '') IN ({values})", operations.join(", ")),
        };
        let taking = is_one_of("'receive', 'process', 'settle'");
        let receiving = is_one_of("'receive'");
        Ok(Self {
            browser: browser(&known),
            outgoing: format!("(kind IN ('client', 'producer') AND NOT {taking})"),
            incoming: format!("(kind = 'consumer' OR (kind = 'client' AND {receiving}))"),
            error: "(status_code = 'error')",
            known,
            condition,
        })
    }

    /// The fields to read.
    pub(super) fn read(&self) -> Vec<&'static str> {
        let fields = Text::ALL.iter().map(|text| text.field());
        fields.filter(|name| self.known.contains(name)).collect()
    }

    /// The text of a span; null if it is absent or empty.
    pub(super) fn text(&self, of: Text) -> String {
        match self.known.contains(&of.field()) {
            true => text(of.field()),
            false => "CAST(NULL AS VARCHAR)".to_owned(),
        }
    }

    /// The messaging system, of what is no database.
    pub(super) fn queue_system(&self) -> String {
        self.unless_database(&self.text(Text::Messaging))
    }

    pub(super) fn queue_name(&self) -> String {
        self.unless_database(&self.text(Text::Destination))
    }

    /// Who is called, in small letters, where it is neither a database nor a queue.
    pub(super) fn remote(&self) -> String {
        let names = [Text::Peer, Text::Address].map(|of| self.text(of));
        let names = format!("{}, {}", names.join(", "), self.host());
        format!(
            "CASE WHEN {} IS NULL AND {} IS NULL AND {} IS NULL THEN lower(coalesce({names})) END",
            self.text(Text::Database),
            self.text(Text::Messaging),
            self.text(Text::Destination),
        )
    }

    /// The host in the URL, as [`host_of`] finds it.
    fn host(&self) -> String {
        let url = self.text(Text::Url);
        if !self.known.contains(&Text::Url.field()) {
            return url;
        }
        format!(
            "NULLIF(CASE WHEN regexp_like({url}, '^[^:/?#]+://') THEN regexp_replace({url}, \
             '(?s)^[^:/?#]+://(?:[^/?#]*@)?(\\[[^/?#\\]]*\\]|[^/?#:]*).*$', '\\1') END, '')"
        )
    }

    fn unless_database(&self, text: &str) -> String {
        format!(
            "CASE WHEN {} IS NULL THEN {text} END",
            self.text(Text::Database)
        )
    }
}

fn text(field: &str) -> String {
    format!("NULLIF(CAST(\"{field}\" AS VARCHAR), '')")
}

fn browser(known: &[&str]) -> String {
    let own = BROWSERS.iter().filter(|name| known.contains(*name));
    let mut signs: Vec<String> = own.map(|name| format!("\"{name}\" IS NOT NULL")).collect();
    if known.contains(&LANGUAGE) {
        signs.push(format!("coalesce(\"{LANGUAGE}\", '') = 'webjs'"));
    }
    match signs.is_empty() {
        true => "FALSE".to_owned(),
        false => format!("({})", signs.join(" OR ")),
    }
}

/// The host of a URL with a scheme and an authority (RFC 3986, 3.2), without user, password and port.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme.is_empty() || scheme.contains([':', '/', '?', '#']) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.starts_with('[').then(|| host.find(']')).flatten() {
        Some(end) => &host[..=end],
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_host_of_a_url_is_found() {
        for (url, host) in [
            (
                "https://api.stripe.com/v1/charges?x=1",
                Some("api.stripe.com"),
            ),
            ("http://user:pa@ss@Pay.example:8080", Some("Pay.example")),
            ("http://[::1]:80/x", Some("[::1]")),
            ("http://[::1", Some("[")),
            ("http://h?q://x", Some("h")),
            ("http:///path", None),
            ("/only/a/path", None),
            ("a/b://c", None),
            ("://c", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
