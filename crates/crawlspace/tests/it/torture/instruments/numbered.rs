//! Spans that say who sent them and what is in them, so that a checker finds what is lost, doubled, altered or made up.

use std::collections::HashMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Otlp;
use opentelemetry_proto::tonic::trace::v1::Span;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::json;

use crate::answers::integer;
use crate::otlp::{attribute, request, span, text};
use crate::server::Server;

/// The most that may be asked for: of one writer in one round there are fewer.
const ROWS_MAX: u64 = 1_000_000;
/// A request usually has fewer.
const SPANS: u64 = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Numbered {
    pub round: u64,
    pub writer: u64,
    pub sequence: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Has to be there, once.
    Acknowledged,
    /// The answer never came: there once, or not at all.
    Unknown,
}

/// A request as it was sent.
pub struct Sent {
    pub spans: Vec<Numbered>,
    pub body: Vec<u8>,
    pub fate: Fate,
}

/// The next spans of a writer, with the request that carries them.
pub fn batch(round: u64, writer: u64, from: u64, random: &mut StdRng) -> (Vec<Numbered>, Vec<u8>) {
    batch_below(SPANS, (round, writer, from), random)
}

/// … of fewer than so many spans.
pub fn batch_below(
    most: u64,
    (round, writer, from): (u64, u64, u64),
    random: &mut StdRng,
) -> (Vec<Numbered>, Vec<u8>) {
    let numbers = from..from + random.random_range(1..most);
    let batch: Vec<Numbered> = numbers
        .map(|sequence| Numbered {
            round,
            writer,
            sequence,
        })
        .collect();
    let spans = batch
        .iter()
        .map(|numbered| numbered_span(*numbered, random))
        .collect();
    (batch, request("load", spans))
}

fn numbered_span(numbered: Numbered, random: &mut StdRng) -> Span {
    let Numbered {
        round,
        writer,
        sequence,
    } = numbered;
    let payload: String = (0..random.random_range(0..120))
        .map(|_| random.random_range('a'..'я'))
        .collect();
    let int = |key: &str, value: u64| attribute(key, Otlp::IntValue(value.cast_signed()));
    let trace = u128::from(round + 1) << 64 | u128::from(writer);
    let attributes = vec![
        int("round", round),
        int("writer", writer),
        int("sequence", sequence),
        int("checksum", checksum(numbered, &payload)),
        attribute("payload", text(payload)),
    ];
    span(trace, sequence + 1, "numbered", attributes)
}

/// FNV-1a over the numbers and the payload.
fn checksum(numbered: Numbered, payload: &str) -> u64 {
    let numbers = [numbered.round, numbered.writer, numbered.sequence].map(u64::to_le_bytes);
    let bytes = numbers.as_flattened().iter().chain(payload.as_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What the program holds of one round against what was sent in it.
pub fn check(
    server: &Server,
    sent: &HashMap<Numbered, Fate>,
    (round, writers): (u64, u64),
    seed: u64,
) {
    let mut found: HashMap<Numbered, u64> = HashMap::new();
    for writer in 0..writers {
        let sql = format!(
            "SELECT sequence, checksum, payload FROM spans WHERE round = {round}
             AND writer = {writer}"
        );
        let asked = json!({"sql": sql, "rows_max": ROWS_MAX, "timeout": "5m"});
        let answer = server.ask("/api/v1/sql", &asked).unwrap();
        for row in answer.rows {
            let sequence = integer(&row[0]).unwrap().cast_unsigned();
            let numbered = Numbered {
                round,
                writer,
                sequence,
            };
            let stored = integer(&row[1]).unwrap().cast_unsigned();
            let payload = row[2].as_str().unwrap();
            assert_eq!(
                checksum(numbered, payload),
                stored,
                "seed {seed}: altered: {numbered:?}"
            );
            assert!(
                sent.contains_key(&numbered),
                "seed {seed}: never sent: {numbered:?}"
            );
            *found.entry(numbered).or_default() += 1;
        }
    }
    let of_round = sent.iter().filter(|(numbered, _)| numbered.round == round);
    let mut wrong: Vec<_> = of_round
        .map(|(numbered, fate)| (numbered, fate, found.get(numbered)))
        .filter(|(_, fate, count)| !matches!((count, fate), (Some(1), _) | (None, Fate::Unknown)))
        .map(|(numbered, fate, count)| (numbered.writer, numbered.sequence, fate, count))
        .collect();
    wrong.sort_by_key(|(writer, sequence, ..)| (*writer, *sequence));
    assert!(
        wrong.is_empty(),
        "seed {seed}: {} of round {round} are not there once, as (writer, sequence, fate, times): {:?} to {:?}",
        wrong.len(),
        wrong.first(),
        wrong.last()
    );
}
