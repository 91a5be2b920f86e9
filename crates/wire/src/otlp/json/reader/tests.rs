//! The reader against another one: what it takes, and what it reads.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Reader, Token};

/// What the reader makes of a text, as a tree.
fn read(text: &str) -> Option<Value> {
    let mut reader = Reader::new(text);
    let value = tree(&mut reader)?;
    reader.end().ok()?;
    Some(value)
}

fn tree(reader: &mut Reader<'_>) -> Option<Value> {
    Some(match reader.value().ok()? {
        Token::Null => Value::Null,
        Token::Bool(flag) => flag.into(),
        Token::Number(text) => serde_json::from_str(text).ok()?,
        Token::Text(text) => text.into(),
        Token::List => {
            let mut items = Vec::new();
            while reader.has_item(items.is_empty()).ok()? {
                items.push(tree(reader)?);
            }
            items.into()
        }
        Token::Map => {
            let mut entries = Vec::new();
            while let Some(key) = reader.key(entries.is_empty()).ok()? {
                entries.push((key.into_owned(), tree(reader)?));
            }
            entries.into_iter().collect()
        }
    })
}

/// Whether a text is one JSON value, found by skipping it.
fn is_json(text: &str) -> bool {
    let mut reader = Reader::new(text);
    let skipped = reader.value().and_then(|token| reader.skip(&token));
    skipped.and_then(|()| reader.end()).is_ok()
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000i32..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        any::<String>().prop_map(Value::from),
        "[\"\\\\/\n\t\u{1}a😀]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"]{0,2}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn what_is_written_is_read(value in json(), is_pretty in any::<bool>()) {
        let text = if is_pretty { format!(" {value:#}\n") } else { value.to_string() };
        prop_assert!(is_json(&text));
        prop_assert_eq!(read(&text), Some(value));
    }

    #[test]
    fn a_text_is_taken_or_refused_as_by_serde_json(
        value in json(),
        at in any::<prop::sample::Index>(),
        cut in 0..3usize,
        put in "[]\\[{}:,\"\\\\utrfn0-9eE.+ \u{1}-]{0,2}",
    ) {
        let mut characters: Vec<char> = value.to_string().chars().collect();
        let at = at.index(characters.len());
        let end = (at + cut).min(characters.len());
        characters.splice(at..end, put.chars());
        let text = String::from_iter(characters);
        let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(is_json(&text), expected, "{}", text);
    }
}

#[test]
fn half_of_a_surrogate_pair_reads_as_the_replacement_character() {
    for (text, expected, replaced) in [
        (r#""a\ud83d""#, "a\u{fffd}", 1),
        (r#""\ude00b""#, "\u{fffd}b", 1),
        (r#""\ud83d\u0041""#, "\u{fffd}A", 1),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀", 1),
        (r#""\uD83D\uDE00""#, "😀", 0),
    ] {
        let mut reader = Reader::new(text);
        assert_eq!(reader.value().unwrap(), Token::Text(expected.into()));
        assert_eq!(reader.replaced, replaced, "{text}");
    }
}

#[test]
fn a_value_of_any_depth_is_skipped() {
    let depth = 1_000_000;
    for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
        let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert!(is_json(&text));
        assert!(!is_json(&text[..text.len() - 1]));
    }
}
