//! Column names: how an attribute key becomes the name of a column, and the older names of stable conventions.

use crate::table::Table;

/// The prefix that keeps an attribute apart from a fixed column of the same name.
pub const ATTRIBUTES_PREFIX: &str = "attributes.";
/// The prefix of a resource attribute whose key a scope or span attribute of the same row also has.
pub const RESOURCE_PREFIX: &str = "resource.";
/// The prefix of a scope attribute whose key a span attribute of the same row also has.
pub const SCOPE_PREFIX: &str = "scope.";

/// The column that the attribute `key` reads as in `table`. Distinct keys have distinct columns.
///
/// A key that is empty, that is named like a fixed column (in any case: other engines fold case), or that starts with
/// `attributes.` itself reads as `attributes.<key>`; all others as themselves.
#[must_use]
pub fn column_of_key(table: Table, key: &str) -> std::borrow::Cow<'_, str> {
    let prefixed = key
        .get(..ATTRIBUTES_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(ATTRIBUTES_PREFIX));
    if key.is_empty() || prefixed || table.fixed_column(key).is_some() || is_reserved(key) {
        format!("{ATTRIBUTES_PREFIX}{key}").into()
    } else {
        key.into()
    }
}

/// The attribute key behind a column made by [`column_of_key`].
#[must_use]
pub fn key_of_column(column: &str) -> &str {
    column.strip_prefix(ATTRIBUTES_PREFIX).unwrap_or(column)
}

/// Names that DuckDB or the DuckLake layout give a meaning of their own.
fn is_reserved(key: &str) -> bool {
    const RESERVED: [&str; 5] = [
        "rowid",
        "filename",
        "snapshot_id",
        "file_row_number",
        "file_index",
    ];
    RESERVED.iter().any(|name| key.eq_ignore_ascii_case(name))
        || key
            .get(.."_ducklake".len())
            .is_some_and(|start| start.eq_ignore_ascii_case("_ducklake"))
}

/// The older keys that a query on the stable key `name` also reads, nearest first.
///
/// Source: OpenTelemetry semantic conventions 1.44, the deprecation notes of each registry page.
#[must_use]
pub fn older_names(name: &str) -> &'static [&'static str] {
    OLDER_NAMES
        .iter()
        .find(|(stable, _)| *stable == name)
        .map_or(&[], |(_, older)| older)
}

const OLDER_NAMES: &[(&str, &[&str])] = &[
    ("client.address", &["http.client_ip"]),
    ("code.function.name", &["code.function"]),
    ("db.collection.name", &["db.sql.table"]),
    ("db.namespace", &["db.name"]),
    ("db.operation.name", &["db.operation"]),
    ("db.query.text", &["db.statement"]),
    ("db.system.name", &["db.system"]),
    ("deployment.environment.name", &["deployment.environment"]),
    ("http.request.method", &["http.method"]),
    ("http.response.status_code", &["http.status_code"]),
    (
        "network.peer.address",
        &["net.sock.peer.addr", "net.peer.ip"],
    ),
    ("network.protocol.version", &["http.flavor"]),
    ("server.address", &["net.peer.name", "http.host"]),
    ("server.port", &["net.peer.port"]),
    ("service.peer.name", &["peer.service"]),
    ("url.full", &["http.url"]),
    ("url.path", &["http.target"]),
    ("url.scheme", &["http.scheme"]),
    ("user_agent.original", &["http.user_agent"]),
];

#[cfg(test)]
mod tests {
    use super::{column_of_key, key_of_column};
    use crate::Table;

    #[test]
    fn keys_never_meet_a_fixed_column() {
        for (key, column) in [
            ("user.id", "user.id"),
            ("name", "attributes.name"),
            ("Name", "attributes.Name"),
            ("", "attributes."),
            ("attributes.name", "attributes.attributes.name"),
            ("Attributes.x", "attributes.Attributes.x"),
            ("rowid", "attributes.rowid"),
            ("ключ", "ключ"),
        ] {
            assert_eq!(column_of_key(Table::Spans, key), column);
            assert_eq!(key_of_column(column), key);
        }
    }
}
