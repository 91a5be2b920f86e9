//! Bodies within bounds, bombs and damage.

use std::io::Write as _;

use bytes::Bytes;
use crawlspace_model::ErrorKind;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{BODY_BYTES_MAX, Encoding, RATIO_FREE_BYTES, decompress};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: Vec<u8>, limit: usize) -> Result<Bytes, ErrorKind> {
    decompress(&bytes.into(), Encoding::Gzip, limit).map_err(|error| error.kind())
}

#[test]
fn bombs_are_too_large() {
    let zeros = gzip(&vec![0; 8 << 20]);
    assert!(
        zeros.len() * 200 < 8 << 20,
        "compresses well enough to be a bomb"
    );
    assert_eq!(
        gunzip(zeros.clone(), BODY_BYTES_MAX),
        Err(ErrorKind::TooLarge)
    );
    // The same bytes are fine where the limits allow them: below the free size, and in company that
    // lowers the ratio.
    let small = vec![0; RATIO_FREE_BYTES];
    assert_eq!(
        gunzip(gzip(&small), BODY_BYTES_MAX),
        Ok(small.clone().into())
    );
    assert_eq!(
        gunzip(gzip(&small), RATIO_FREE_BYTES - 1),
        Err(ErrorKind::TooLarge)
    );
    // A bomb of many members is one bomb.
    assert_eq!(
        gunzip(zeros.repeat(20), BODY_BYTES_MAX),
        Err(ErrorKind::TooLarge)
    );
}

#[test]
fn damage_is_bad_input() {
    let whole = gzip(b"a span, a span, a span");
    let mut garbage = whole.clone();
    garbage.extend_from_slice(b"garbage");
    let mut flipped = whole.clone();
    flipped[12] ^= 0x40;
    let torn = whole[..whole.len() - 1].to_vec();
    for damaged in [
        garbage,
        flipped,
        torn,
        b"not gzip at all".to_vec(),
        Vec::new(),
    ] {
        assert_eq!(
            gunzip(damaged.clone(), BODY_BYTES_MAX),
            Err(ErrorKind::BadInput),
            "{damaged:?}"
        );
    }
}

#[test]
fn plain_bodies_have_the_same_limit() {
    let body = Bytes::from_static(b"12345");
    assert_eq!(decompress(&body, Encoding::Identity, 5).unwrap(), body);
    let error = decompress(&body, Encoding::Identity, 4).unwrap_err();
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
    ) {
        let compressed: Vec<u8> = members.iter().flat_map(|member| gzip(member)).collect();
        prop_assert_eq!(gunzip(compressed, BODY_BYTES_MAX), Ok(members.concat().into()));
    }
}
