//! Rules about the way in: encodings, sizes, content types, routes, gRPC's frames.

use http::Method;

use super::Rule;
use super::call::{Call, Class, Way, deflate, frame, gzip, gzip_twice, zstd};
use super::requests::{Signal, log, spans};

const GRPC: &[Way] = &[Way::Grpc];
const BODY_BYTES_MAX: usize = 64 << 20;

pub fn rules() -> Vec<Rule> {
    let mut rules = encodings();
    rules.extend(sizes());
    rules.extend(content_types());
    rules.extend(frames());
    rules
}

fn encodings() -> Vec<Rule> {
    let good = |name, encoding, compress: fn(&[u8]) -> Vec<u8>| {
        Rule::by_call(name, &Way::ALL, move |way, service| {
            Call::compressed(way, &spans(service, 1), encoding, compress)
        })
    };
    let broken = |name, encoding, words| {
        Rule::by_call(name, &Way::ALL, move |way, service| {
            Call::compressed(way, &spans(service, 1), encoding, <[u8]>::to_vec)
        })
        .refused(Class::Undecodable, words)
    };
    vec![
        good("gzip is taken", "gzip", gzip),
        good("zstd is taken", "zstd", zstd),
        good("deflate is taken", "deflate", deflate),
        good("the names of encodings are of any case", "GZip", gzip),
        good("several gzip members are one body", "gzip", gzip_twice),
        Rule::by_call("identity is no encoding", &Way::ALL, |way, service| {
            Call::new(way, &spans(service, 1)).encoded("identity")
        }),
        good("an unknown encoding is unsupported", "br", <[u8]>::to_vec)
            .refused(Class::Unsupported, "br"),
        broken("what is no gzip is undecodable", "gzip", "gzip"),
        broken("what is no zstd is undecodable", "zstd", "zstd"),
        broken("what is no deflate is undecodable", "deflate", "deflate"),
        good("gzip that breaks off is undecodable", "gzip", |bytes| {
            let mut bytes = gzip(bytes);
            bytes.truncate(bytes.len() - 5);
            bytes
        })
        .refused(Class::Undecodable, "gzip"),
    ]
}

fn sizes() -> Vec<Rule> {
    let zeros = || vec![0; BODY_BYTES_MAX + 1];
    let bomb = |name, encoding, compress: fn(&[u8]) -> Vec<u8>| {
        Rule::by_call(name, &Way::ALL, move |way, _| {
            let call = Call::raw(way, Signal::Traces, "").encoded(encoding);
            let bomb = compress(&zeros());
            call.body(match way {
                Way::Grpc => frame(1, &bomb),
                Way::Protobuf | Way::Json => bomb,
            })
        })
        .refused(Class::TooLarge, "decompresses")
    };
    vec![
        Rule::by_call(
            "a message beyond 64 MiB is too large",
            &Way::ALL,
            move |way, _| Call::raw(way, Signal::Logs, zeros()),
        )
        .refused(Class::TooLarge, "bytes"),
        bomb("gzip of more than 64 MiB is too large", "gzip", gzip),
        bomb("zstd of more than 64 MiB is too large", "zstd", zstd),
        bomb(
            "deflate of more than 64 MiB is too large",
            "deflate",
            deflate,
        ),
    ]
}

fn content_types() -> Vec<Rule> {
    let typed = |name, content_type: [&'static str; 3]| {
        Rule::by_call(name, &Way::ALL, move |way, service| {
            Call::new(way, &log(service, |_| ())).typed(content_type[way as usize])
        })
    };
    vec![
        typed(
            "a content type may have parameters",
            [
                "application/x-protobuf; v=1",
                "application/json; charset=utf-8",
                "application/grpc; x=y",
            ],
        ),
        typed(
            "a content type is of any case",
            [
                "Application/X-Protobuf",
                "APPLICATION/JSON",
                "Application/gRPC+proto",
            ],
        ),
        typed("a missing content type is unsupported", [""; 3])
            .refused(Class::Unsupported, "application/"),
        typed("another content type is unsupported", ["text/plain"; 3])
            .refused(Class::Unsupported, "application/"),
        Rule::by_call("JSON is no protobuf", &[Way::Protobuf], |way, service| {
            Call::raw(way, Signal::Traces, spans(service, 1).to_json())
        })
        .refused(Class::Undecodable, "protobuf"),
        Rule::by_call("protobuf is no JSON", &[Way::Json], |way, service| {
            Call::raw(way, Signal::Traces, spans(service, 1).to_protobuf())
        })
        .refused(Class::Undecodable, "JSON"),
        Rule::by_call(
            "a message that breaks off is undecodable",
            &[Way::Protobuf, Way::Grpc],
            |way, service| {
                let mut message = spans(service, 1).to_protobuf();
                message.truncate(message.len() - 3);
                Call::raw(way, Signal::Traces, message)
            },
        )
        .refused(Class::Undecodable, "protobuf"),
        Rule::by_call(
            "signals have their own routes",
            &[Way::Protobuf, Way::Grpc],
            |way, service| {
                // A log record is no span: its fields have other types.
                Call::raw(way, Signal::Traces, log(service, |_| ()).to_protobuf())
            },
        )
        .refused(Class::Undecodable, "protobuf"),
        Rule::by_call("only POST is taken", &Way::ALL, |way, service| {
            Call::new(way, &spans(service, 1)).method(Method::PUT)
        })
        .refused(Class::NoRoute, "PUT"),
        Rule::by_call("another path is no route", &Way::HTTP, |way, service| {
            Call::new(way, &spans(service, 1)).path("/v1/trace")
        })
        .refused(Class::NoRoute, "/v1/trace"),
    ]
}

fn frames() -> Vec<Rule> {
    let framed = |name, body: fn(Vec<u8>) -> Vec<u8>| {
        Rule::by_call(name, GRPC, move |way, service| {
            let request = spans(service, 1);
            Call::new(way, &request).body(body(request.to_protobuf()))
        })
    };
    vec![
        framed("a call without a message is undecodable", |_| Vec::new())
            .refused(Class::Undecodable, "no message"),
        framed("a call with two messages is undecodable", |message| {
            [frame(0, &message), frame(0, &message)].concat()
        })
        .refused(Class::Undecodable, "one message"),
        framed(
            "a call whose message breaks off is undecodable",
            |message| {
                let mut body = frame(0, &message);
                body.truncate(body.len() - 1);
                body
            },
        )
        .refused(Class::Undecodable, "announces"),
        framed(
            "a compressed message without a named encoding is undecodable",
            |message| frame(1, &gzip(&message)),
        )
        .refused(Class::Undecodable, "grpc-encoding"),
        Rule::by_call(
            "a plain message may come where an encoding is named",
            GRPC,
            |way, service| Call::new(way, &spans(service, 1)).encoded("gzip"),
        ),
        Rule::by_call("a message may come in many pieces", GRPC, |way, service| {
            Call::new(way, &spans(service, 50)).in_pieces_of(7)
        })
        .rows(50),
        Rule::by_call(
            "an unknown method is unimplemented",
            GRPC,
            |way, service| {
                Call::new(way, &spans(service, 1)).path(
                    "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
                )
            },
        )
        .refused(Class::Unsupported, "no method"),
    ]
}
