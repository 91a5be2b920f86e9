//! The frame's bytes, against bytes that another program made, and for any entry.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Encoding, Entry, Frame, HEAD_BYTES, bytes_max, find, read, write};
use crate::Position;

const SALT: u64 = 0x1122_3344_5566_7788;

fn hex(text: &str) -> Bytes {
    let digit = |c: u8| u8::try_from((c as char).to_digit(16).unwrap()).unwrap();
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) * 16 + digit(pair[1]))
        .collect()
}

fn entry(received_at: i64, encoding: Encoding, body: &'static [u8]) -> Entry {
    let body = Bytes::from_static(body);
    Entry {
        received_at,
        project: 3,
        key: 4,
        door: 5,
        content_type: 6,
        encoding,
        body,
    }
}

#[test]
fn the_format_is_frozen() {
    let gzip = hex(concat!(
        "894357462b0000002ca4dd2888776655443322110700000000000000feffffffffffffff",
        "03000000040000000506010003000000616263",
    ));
    let expected = entry(-2, Encoding::Gzip, b"abc");
    let mut written = Vec::new();
    write(&expected, Position(7), SALT, &mut written);
    assert_eq!(written, gzip);
    let end = gzip.len();
    let frame = Frame {
        position: Position(7),
        salt: SALT,
        entry: expected,
        end,
    };
    assert_eq!(read(&gzip, 0, Some(SALT)), Some(frame));

    let lz4 = hex(concat!(
        "8943574633000000ccea8318887766554433221108000000000000000100000000000000",
        "0300000004000000050600011e0000001f61010005506161616161",
    ));
    let frame = read(&lz4, 0, None).unwrap();
    assert_eq!(frame.entry, entry(1, Encoding::Identity, &[b'a'; 30]));
    assert_eq!(frame.position, Position(8));
}

fn entries() -> impl Strategy<Value = Entry> {
    let encoding = [
        Encoding::Identity,
        Encoding::Gzip,
        Encoding::Zstd,
        Encoding::Deflate,
    ]
    .as_slice();
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        (any::<u8>(), 0..3000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    let numbers = (
        any::<i64>(),
        any::<u32>(),
        any::<u32>(),
        any::<u8>(),
        any::<u8>(),
    );
    (numbers, prop::sample::select(encoding), body).prop_map(|(numbers, encoding, body)| {
        let (received_at, project, key, door, content_type) = numbers;
        Entry {
            received_at,
            project,
            key,
            door,
            content_type,
            encoding,
            body: body.into(),
        }
    })
}

proptest! {
    #[test]
    fn frames_are_read_as_written(
        all in prop::collection::vec(entries(), 1..5),
        first: u32,
        salt: u64,
        noise in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut bytes = noise.clone();
        for (position, entry) in (u64::from(first)..).map(Position).zip(&all) {
            let start = bytes.len();
            write(entry, position, salt, &mut bytes);
            prop_assert!(bytes.len() - start <= bytes_max(entry));
        }
        let bytes = Bytes::from(bytes);
        let mut offset = 0;
        for (position, entry) in (u64::from(first)..).map(Position).zip(&all) {
            let frame = find(&bytes, offset, Some(salt), position).unwrap();
            prop_assert_eq!(&frame.entry, entry);
            prop_assert_eq!(frame.position, position);
            offset = frame.end;
        }
        prop_assert_eq!(offset, bytes.len());
        prop_assert_eq!(find(&bytes, 0, Some(salt ^ 1), Position(0)), None);
    }

    #[test]
    fn a_changed_or_cut_frame_is_none(entry in entries(), bit: prop::sample::Index) {
        let mut bytes = Vec::new();
        write(&entry, Position(1), SALT, &mut bytes);
        let bit = bit.index(bytes.len() * 8);
        prop_assert_eq!(read(&Bytes::copy_from_slice(&bytes[..bit / 8]), 0, None), None);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(read(&bytes.into(), 0, None), None);
    }
}

/// A frame around `tail` (stored form, body length, stored body) with a correct checksum.
fn sealed(tail: &[u8]) -> Bytes {
    let mut bytes = Vec::new();
    write(
        &entry(1, Encoding::Identity, b""),
        Position(1),
        SALT,
        &mut bytes,
    );
    bytes.truncate(HEAD_BYTES - 5);
    bytes.extend_from_slice(tail);
    let length = u32::try_from(bytes.len() - 12).unwrap();
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[12..]);
    bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
    bytes.into()
}

#[test]
fn a_frame_that_lies_with_a_good_checksum_is_none() {
    assert!(read(&sealed(&[0, 1, 0, 0, 0, b'x']), 0, None).is_some());
    for lie in [
        [2, 1, 0, 0, 0, b'x'],             // no such stored form
        [0, 2, 0, 0, 0, b'x'],             // not the body's length
        [1, 1, 0, 0, 0, b'x'],             // no LZ4 block
        [1, 0xff, 0xff, 0xff, 0xff, b'x'], // longer than any body
    ] {
        assert_eq!(read(&sealed(&lie), 0, None), None, "{lie:?}");
    }
}
