//! OTLP's rules, one row each: sent over HTTP as protobuf and as JSON, and over gRPC, wherever a rule means something
//! there. Both the answer and the rows that are stored are checked, and docs/reference/otlp.md lists the rules.

pub mod call;
mod records;
pub mod requests;
mod texts;
mod transport;

use std::path::Path;
use std::sync::Arc;

use crate::server::{Server, new_data_directory, setting};
use call::{Call, Class, Way, answer, call_at_once};
use requests::{Request, spans};

/// What holds for one kind of request.
pub struct Rule {
    /// A claim, as it stands in the reference.
    name: &'static str,
    ways: &'static [Way],
    make: Make,
    class: Class,
    rejected: u64,
    /// In the answer's message; nothing for no message.
    words: &'static str,
    /// Rows that the request's service has afterwards, in the table of the signal.
    rows: i64,
}

/// The call for a way in, from a service of that name.
type Make = Box<dyn Fn(Way, &str) -> Call>;

impl Rule {
    /// Of a request that is taken whole, with one record, however it is sent.
    fn new(name: &'static str, request: impl Fn(&str) -> Request + 'static) -> Self {
        Self::by_call(name, &Way::ALL, move |way, service| {
            Call::new(way, &request(service))
        })
    }

    fn by_call(
        name: &'static str,
        ways: &'static [Way],
        make: impl Fn(Way, &str) -> Call + 'static,
    ) -> Self {
        Self {
            name,
            ways,
            make: Box::new(make),
            class: Class::Taken,
            rejected: 0,
            words: "",
            rows: 1,
        }
    }

    fn rows(self, rows: i64) -> Self {
        Self { rows, ..self }
    }

    fn rejects(self, rejected: u64, words: &'static str) -> Self {
        Self {
            rejected,
            words,
            ..self
        }
    }

    fn warns(self, words: &'static str) -> Self {
        Self { words, ..self }
    }

    fn refused(self, class: Class, words: &'static str) -> Self {
        Self {
            class,
            words,
            rows: 0,
            ..self
        }
    }
}

fn rules() -> Vec<Rule> {
    [records::rules(), texts::rules(), transport::rules()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn the_rules_of_otlp_hold_over_each_transport_and_encoding() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let mut failures = Vec::new();
    for (index, rule) in rules().iter().enumerate() {
        for way in rule.ways {
            let service = format!("rule-{index}-{way:?}");
            let call = (rule.make)(*way, &service);
            let table = call.signal.table();
            let found = answer(&server, &call);
            let rows = server.number(&format!(
                "SELECT count(*) FROM {table} WHERE service.name = '{service}'"
            ));
            let is_told = if rule.words.is_empty() {
                found.message.is_empty()
            } else {
                found.message.contains(rule.words)
            };
            if (found.class, found.rejected, rows) != (rule.class, rule.rejected, rule.rows)
                || !is_told
            {
                failures.push(format!("{} by {way:?}: {found:?}, {rows} rows", rule.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_reference_lists_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/otlp.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (words, _) = text.split_once("\n| rule |").unwrap();
    let mut expected = format!("{words}\n| rule | protobuf | JSON | gRPC |\n|---|---|---|---|\n");
    for rule in rules() {
        let marks = Way::ALL.map(|way| if rule.ways.contains(&way) { "yes" } else { "" });
        expected += &format!("| {} | {} |\n", rule.name, marks.join(" | "));
    }
    if setting("CRAWLSPACE_REGENERATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let names: std::collections::BTreeSet<&str> = rules().iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), rules().len(), "a rule stands twice");
    assert!(names.len() >= 60);
    assert!(
        std::fs::read_to_string(&path).unwrap() == expected,
        "docs/reference/otlp.md is stale: run this test with CRAWLSPACE_REGENERATE=1, and look at the difference"
    );
}

#[test]
fn every_port_speaks_both_transports() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let ports = [server.http(), server.otlp_http(), server.otlp_grpc()].map(str::to_owned);
    for (index, port) in ports.iter().enumerate() {
        for way in Way::ALL {
            let service = format!("port-{index}-{way:?}");
            let call = Call::new(way, &spans(&service, 1)).at(port);
            assert_eq!(answer(&server, &call).class, Class::Taken, "{service}");
        }
    }
    assert_eq!(server.number("SELECT count(*) FROM spans"), 9);
}

#[test]
fn many_calls_share_one_connection() {
    let (_home, data) = new_data_directory();
    let server = Arc::new(Server::start(&data));
    let calls = (0..60).map(|id| Call::new(Way::Grpc, &spans(&format!("many-{id}"), 5)));
    let answers = call_at_once(&server, calls.collect());
    assert_eq!(answers.len(), 60);
    assert!(answers.iter().all(|answer| answer.class == Class::Taken));
    assert_eq!(server.number("SELECT count(*) FROM spans"), 300);
}
