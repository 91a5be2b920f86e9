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
    let whole = server.trace(TRACE);
    let outline = server.get(&format!("/api/v1/traces/{TRACE}?view=outline"));
    let outline: Value = outline.json().unwrap();
    let spans = whole["spans"].as_array().unwrap();
    let base: i64 = outline["base_time"].as_str().unwrap().parse().unwrap();
    let text = |column: &Value, place: usize| match column[place].as_u64() {
        Some(text) => outline["texts"][usize::try_from(text).unwrap()].clone(),
        None => Value::Null,
    };
    let after = |time: &Value| time.as_str().unwrap().parse::<i64>().unwrap() - base;
    let place_of = |id: &Value, missing: i64| {
        let place = spans.iter().position(|span| span["span_id"] == *id);
        match id {
            Value::Null => -1,
            _ => place.map_or(missing, |place| i64::try_from(place).unwrap()),
        }
    };
    let lists = &outline["spans"];
    assert_eq!(
        lists["span_id"].as_array().unwrap().len(),
        spans.len(),
        "{when}"
    );
    for (place, span) in spans.iter().enumerate() {
        for name in ["name", "service.name", "kind", "status_code"] {
            assert_eq!(
                text(&lists[name], place),
                span[name],
                "{when}: {name} of {place}"
            );
        }
        let told = json!([
            lists["span_id"][place],
            lists["start_ns"][place],
            lists["duration_ns"][place],
            lists["parent"][place]
        ]);
        let parent = place_of(&span["parent_span_id"], -2);
        let expected = json!([
            span["span_id"],
            after(&span["time"]),
            span["duration_ns"],
            parent
        ]);
        assert_eq!(told, expected, "{when}: {place}");
    }
    let linked = spans
        .iter()
        .enumerate()
        .filter(|(_, span)| span["links"] != json!([]));
    let linked: Vec<usize> = linked.map(|(place, _)| place).collect();
    assert_eq!(lists["linked"], json!(linked), "{when}");

    let events = spans.iter().flat_map(|span| {
        let events = span["events"].as_array().unwrap().iter();
        events.map(|event| {
            json!([
                place_of(&span["span_id"], -1),
                after(&event["time"]),
                event["name"]
            ])
        })
    });
    let list = &outline["events"];
    let told = (0..list["span"].as_array().unwrap().len()).map(|row| {
        json!([
            list["span"][row],
            list["time_ns"][row],
            text(&list["name"], row)
        ])
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        events.collect::<Vec<_>>(),
        "{when}"
    );
    let records = whole["logs"].as_array().unwrap().iter().map(|record| {
        json!([
            place_of(&record["span_id"], -1),
            after(&record["time"]),
            record["severity_number"]
        ])
    });
    let list = &outline["logs"];
    let told = (0..list["span"].as_array().unwrap().len()).map(|row| {
        json!([
            list["span"][row],
            list["time_ns"][row],
            list["severity_number"][row]
        ])
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        records.collect::<Vec<_>>(),
        "{when}"
    );

    let one = server.get(&format!("/api/v1/traces/{TRACE}?span_id=00000000000000A1"));
    let one: Value = one.json().unwrap();
    let of_span = |list: &Value| -> Vec<Value> {
        let all = list.as_array().unwrap().iter();
        all.filter(|one| one["span_id"] == "00000000000000a1")
            .cloned()
            .collect()
    };
    assert_eq!(one["spans"], json!(of_span(&whole["spans"])), "{when}");
    assert_eq!(one["logs"], json!(of_span(&whole["logs"])), "{when}");
    assert_eq!(
        (
            one["spans"].as_array().unwrap().len(),
            one["logs"].as_array().unwrap().len()
        ),
        (1, 1),
        "{when}"
    );
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
