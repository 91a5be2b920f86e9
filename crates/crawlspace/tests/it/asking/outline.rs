//! The outline of a trace, and one span of it, say what the whole says.

use serde_json::{Value, json};

use crate::server::{Server, new_data_directory};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const START: i64 = 1_795_391_409_528_793_001;

#[test]
fn the_outline_of_a_trace_says_what_the_whole_says() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    send(&server, "v1/traces", &spans(0..3));
    send(&server, "v1/logs", &logs());
    check(&server, "in memory");
    server.flush();
    check(&server, "in a part");
    send(&server, "v1/traces", &spans(3..6));
    check(&server, "in both");
    server.flush();
    server.compact();
    check(&server, "compacted");
    refused(&server);
    server.stop();
}

fn send(server: &Server, path: &str, body: &Value) {
    let response = server.post(&format!("/{path}")).json(body).send().unwrap();
    assert_eq!(response.status(), 200);
}

/// Six spans: a chain, one whose parent is elsewhere, one without an end, one without a service, two that share an id.
fn spans(numbers: std::ops::Range<i64>) -> Value {
    let span = |number: i64| {
        let start = START + number * 1_000;
        let end = if number == 3 { 0 } else { start + 500 };
        let parent = [
            "",
            "00000000000000a0",
            "00000000000000ff",
            "00000000000000a1",
        ];
        let events = json!([{"timeUnixNano": (start + 7).to_string(), "name": "retry"}]);
        let linked = json!([{"traceId": TRACE, "spanId": "00000000000000a0"}]);
        json!({
            "traceId": TRACE,
            "spanId": format!("{:016x}", 0xa0 + number.min(4)),
            "parentSpanId": parent[usize::try_from(number % 4).unwrap()],
            "name": if number > 1 { "ask" } else { "GET /" },
            "kind": 1 + number % 3,
            "startTimeUnixNano": start.to_string(),
            "endTimeUnixNano": end.to_string(),
            "status": {"code": number % 3},
            "events": if number % 2 == 1 { events } else { json!([]) },
            "links": if number == 2 { linked } else { json!([]) },
            "attributes": [{"key": "number", "value": {"intValue": number.to_string()}}],
        })
    };
    let of = |service: Value, spans: Vec<Value>| json!({"resource": {"attributes": service}, "scopeSpans": [{"spans": spans}]});
    let (named, others): (Vec<i64>, Vec<i64>) = numbers.partition(|number| *number != 1);
    let service = json!([{"key": "service.name", "value": {"stringValue": "shop"}}]);
    json!({"resourceSpans": [
        of(service, named.into_iter().map(span).collect()),
        of(json!([]), others.into_iter().map(span).collect()),
    ]})
}

/// One of a span, one of a span that is not there, one of none.
fn logs() -> Value {
    let record = |number: i64, span: &str| {
        json!({
            "timeUnixNano": (START + number * 100).to_string(),
            "traceId": TRACE, "spanId": span, "severityNumber": number, "body": {"stringValue": "told"},
        })
    };
    let records = json!([
        record(1, "00000000000000a1"),
        record(9, "00000000000000ee"),
        record(5, "")
    ]);
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
}

fn check(server: &Server, when: &str) {
    let outline = server.get(&format!("/api/v1/traces/{TRACE}?view=outline"));
    let both = Both {
        whole: server.trace(TRACE),
        outline: outline.json().unwrap(),
    };
    both.check_spans(when);
    both.check_events_and_logs(when);
    check_span(server, &both.whole, when);
}

struct Both {
    whole: Value,
    outline: Value,
}

impl Both {
    fn spans(&self) -> &Vec<Value> {
        self.whole["spans"].as_array().unwrap()
    }

    fn text(&self, column: &Value, place: usize) -> Value {
        match column[place].as_u64() {
            Some(text) => self.outline["texts"][usize::try_from(text).unwrap()].clone(),
            None => Value::Null,
        }
    }

    fn after(&self, time: &Value) -> i64 {
        let nanos = |time: &Value| time.as_str().unwrap().parse::<i64>().unwrap();
        nanos(time) - nanos(&self.outline["base_time"])
    }

    fn place_of(&self, id: &Value, missing: i64) -> i64 {
        let place = self.spans().iter().position(|span| span["span_id"] == *id);
        match id {
            Value::Null => -1,
            _ => place.map_or(missing, |place| i64::try_from(place).unwrap()),
        }
    }

    fn check_spans(&self, when: &str) {
        let (spans, lists) = (self.spans(), &self.outline["spans"]);
        let count = lists["span_id"].as_array().unwrap().len();
        assert_eq!(count, spans.len(), "{when}");
        let mut linked = Vec::new();
        for (place, span) in spans.iter().enumerate() {
            for name in ["name", "service.name", "kind", "status_code"] {
                let told = self.text(&lists[name], place);
                assert_eq!(told, span[name], "{when}: {name} of {place}");
            }
            let told =
                ["span_id", "start_ns", "duration_ns", "parent"].map(|name| &lists[name][place]);
            let parent = self.place_of(&span["parent_span_id"], -2);
            let start = self.after(&span["time"]);
            let expected = json!([span["span_id"], start, span["duration_ns"], parent]);
            assert_eq!(json!(told), expected, "{when}: {place}");
            if span["links"] != json!([]) {
                linked.push(place);
            }
        }
        assert_eq!(lists["linked"], json!(linked), "{when}");
    }

    fn check_events_and_logs(&self, when: &str) {
        let row = |of: &Value, one: &Value, last: &str| {
            let place = self.place_of(&of["span_id"], -1);
            json!([place, self.after(&one["time"]), one[last]])
        };
        let mut events = Vec::new();
        for span in self.spans() {
            let own = span["events"].as_array().unwrap();
            events.extend(own.iter().map(|event| row(span, event, "name")));
        }
        let logs = self.whole["logs"].as_array().unwrap();
        let logs: Vec<Value> = logs
            .iter()
            .map(|log| row(log, log, "severity_number"))
            .collect();
        for (name, expected) in [("events", events), ("logs", logs)] {
            let list = &self.outline[name];
            let count = list["span"].as_array().unwrap().len();
            let told: Vec<Value> = (0..count)
                .map(|row| {
                    let last = match name {
                        "events" => self.text(&list["name"], row),
                        _ => list["severity_number"][row].clone(),
                    };
                    json!([list["span"][row], list["time_ns"][row], last])
                })
                .collect();
            assert_eq!(told, expected, "{when}: {name}");
        }
    }
}

fn check_span(server: &Server, whole: &Value, when: &str) {
    let one = server.get(&format!("/api/v1/traces/{TRACE}?span_id=00000000000000A1"));
    let one: Value = one.json().unwrap();
    for list in ["spans", "logs"] {
        let all = whole[list].as_array().unwrap().iter();
        let expected: Vec<&Value> = all
            .filter(|one| one["span_id"] == "00000000000000a1")
            .collect();
        assert_eq!(expected.len(), 1, "{when}: {list}");
        assert_eq!(one[list], json!(expected), "{when}: {list}");
    }
}

fn refused(server: &Server) {
    for (asked, status) in [
        ("?view=outline&span_id=00000000000000a1", 400),
        ("?view=lines", 400),
        ("?span_id=a1", 400),
        ("?span_id=00000000000000b1", 404),
        ("?view=outline&format=otlp", 406),
        ("?view=outline&format=csv", 406),
    ] {
        let answer = server.get(&format!("/api/v1/traces/{TRACE}{asked}"));
        assert_eq!(answer.status(), status, "{asked}");
    }
    let other = server.get(&format!("/api/v1/traces/{:032x}?view=outline", 9));
    assert_eq!(other.status(), 404);
}
