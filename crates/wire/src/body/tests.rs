//! Bodies within bounds, bombs and damage.

use std::io::Write as _;

use bytes::Bytes;
use crawlspace_model::ErrorKind;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{BODY_BYTES_MAX, Encoding, GZIP_MEMBERS_MAX, RATIO_FREE_BYTES, decompress};

const COMPRESSED: [Encoding; 3] = [Encoding::Gzip, Encoding::Zstd, Encoding::Deflate];

fn compress(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Identity => bytes.to_vec(),
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zstd => {
            // With a checksum, so that a flipped bit is always found.
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn open(bytes: Vec<u8>, encoding: Encoding, limit: usize) -> Result<Bytes, ErrorKind> {
    let body = decompress(&bytes.into(), encoding, limit, &mut |_| true);
    body.map_err(|error| error.kind())
}

#[test]
fn nothing_is_held_that_was_not_admitted() {
    for encoding in COMPRESSED {
        let body = compress(&vec![7; 100_000], encoding).into();
        let mut room = 40_000;
        let refused = decompress(&body, encoding, BODY_BYTES_MAX, &mut |bytes| {
            let fits = bytes <= room;
            room -= bytes.min(room);
            fits
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
        let mut admitted = 0;
        let body = decompress(&body, encoding, BODY_BYTES_MAX, &mut |bytes| {
            admitted += bytes;
            true
        });
        assert_eq!(body.unwrap().len(), 100_000);
        assert!((100_000..=200_000).contains(&admitted), "{admitted}");
    }
}

#[test]
fn bombs_are_too_large() {
    let size = 8 << 20;
    for encoding in COMPRESSED {
        let zeros = compress(&vec![0; size], encoding);
        assert!(zeros.len() * 200 < size, "{encoding:?} makes a bomb of it");
        assert_eq!(
            open(zeros.clone(), encoding, BODY_BYTES_MAX),
            Err(ErrorKind::TooLarge),
            "{encoding:?}"
        );
        // The same bytes are fine where the limits allow them: below the free size, and in company
        // that lowers the ratio.
        let small = vec![0; RATIO_FREE_BYTES];
        assert_eq!(
            open(compress(&small, encoding), encoding, BODY_BYTES_MAX),
            Ok(small.clone().into())
        );
        assert_eq!(
            open(compress(&small, encoding), encoding, RATIO_FREE_BYTES - 1),
            Err(ErrorKind::TooLarge)
        );
        if encoding != Encoding::Deflate {
            // A bomb of many members is one bomb.
            assert_eq!(
                open(zeros.repeat(20), encoding, BODY_BYTES_MAX),
                Err(ErrorKind::TooLarge)
            );
        }
    }
}

#[test]
fn gzip_of_very_many_members_is_refused_before_it_costs_much() {
    let member = compress(b"x", Encoding::Gzip);
    let most = member.repeat(GZIP_MEMBERS_MAX);
    let all = Bytes::from(vec![b'x'; GZIP_MEMBERS_MAX]);
    assert_eq!(open(most.clone(), Encoding::Gzip, BODY_BYTES_MAX), Ok(all));
    assert_eq!(
        open([most, member].concat(), Encoding::Gzip, BODY_BYTES_MAX),
        Err(ErrorKind::BadInput)
    );
}

#[test]
fn zstd_windows_beyond_what_http_allows_are_refused() {
    let open_window = |log| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        encoder.write_all(b"small").unwrap();
        open(encoder.finish().unwrap(), Encoding::Zstd, BODY_BYTES_MAX)
    };
    assert_eq!(open_window(23), Ok(Bytes::from_static(b"small")));
    assert_eq!(open_window(24), Err(ErrorKind::BadInput));
}

#[test]
fn deflate_without_its_wrapping_is_taken() {
    for bytes in [&b""[..], b"a span, a span, a span"] {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        let bare = encoder.finish().unwrap();
        assert_eq!(
            open(bare.clone(), Encoding::Deflate, BODY_BYTES_MAX),
            Ok(Bytes::copy_from_slice(bytes))
        );
        assert_eq!(
            open(
                bare[..bare.len() - 1].to_vec(),
                Encoding::Deflate,
                BODY_BYTES_MAX
            ),
            Err(ErrorKind::BadInput)
        );
    }
}

#[test]
fn damage_is_bad_input() {
    for encoding in COMPRESSED {
        let whole = compress(b"a span, a span, a span", encoding);
        let mut garbage = whole.clone();
        garbage.extend_from_slice(b"garbage");
        let mut flipped = whole.clone();
        flipped[12] ^= 0x40;
        let torn = whole[..whole.len() - 1].to_vec();
        for damaged in [
            garbage,
            flipped,
            torn,
            b"not compressed at all".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(
                open(damaged.clone(), encoding, BODY_BYTES_MAX),
                Err(ErrorKind::BadInput),
                "{encoding:?} {damaged:?}"
            );
        }
    }
}

#[test]
fn plain_bodies_have_the_same_limit() {
    let body = Bytes::from_static(b"12345");
    assert_eq!(
        decompress(&body, Encoding::Identity, 5, &mut |_| true).unwrap(),
        body
    );
    let error = decompress(&body, Encoding::Identity, 4, &mut |_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        "the body has 5 bytes, the limit is 4: send fewer records per request"
    );
}

proptest! {
    #[test]
    fn members_come_out_one_after_the_other(
        members in vec(vec(any::<u8>(), 0..300), 1..5),
        encoding in prop::sample::select(&[Encoding::Gzip, Encoding::Zstd][..]),
    ) {
        let compressed: Vec<u8> =
            members.iter().flat_map(|member| compress(member, encoding)).collect();
        prop_assert_eq!(open(compressed, encoding, BODY_BYTES_MAX), Ok(members.concat().into()));
    }

    #[test]
    fn bodies_come_out_as_they_went_in(
        block in vec(any::<u8>(), 1..300),
        repeats in 1..2_000_usize,
        room in 0..2_usize,
    ) {
        let body = block.repeat(repeats);
        for encoding in COMPRESSED {
            // Some of these repeat often enough to be bombs, were they not so small.
            let compressed = compress(&body, encoding);
            let limit = body.len().max(compressed.len()) + room;
            prop_assert_eq!(open(compressed.clone(), encoding, limit), Ok(body.clone().into()));
            if body.len() > compressed.len() {
                let limit = body.len() - 1;
                prop_assert_eq!(open(compressed, encoding, limit), Err(ErrorKind::TooLarge));
            }
        }
    }

    #[test]
    fn any_bytes_are_a_body_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        for encoding in COMPRESSED {
            let limit = 1_000;
            if let Ok(body) = open(bytes.clone(), encoding, limit) {
                prop_assert!(body.len() <= limit);
            }
        }
    }
}
