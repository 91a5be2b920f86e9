use std::sync::Arc;

use bytes::Bytes;
use object_store::buffered::BufWriter;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_writer::AsyncFileWriter as _;
use proptest::prelude::*;

use super::{BLOCK_BYTES, Blocks, ChecksummedWriter, VerifiedStore, is_damage};

/// Writes `bytes` in pieces and gives a store that expects them.
async fn stored(inner: &Arc<dyn ObjectStore>, bytes: &[u8], piece: usize) -> (VerifiedStore, Path) {
    let path = Path::from("data/main/spans/part.parquet");
    let mut writer = ChecksummedWriter::new(BufWriter::new(Arc::clone(inner), path.clone()));
    for piece in bytes.chunks(piece) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.complete().await.unwrap();
    let store = VerifiedStore::new(Arc::clone(inner));
    let blocks = Blocks {
        sums: writer.checksums().into(),
        size: bytes.len() as u64,
    };
    store
        .known
        .write()
        .unwrap()
        .insert(path.clone(), Arc::new(blocks));
    (store, path)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn reads_are_exact_and_a_flipped_bit_is_never_read(
        size in 1usize..150_000, piece in 1usize..70_000, cut in any::<(u32, u32)>(), flip: u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
            let (from, to) = (cut.0 as usize % size, cut.1 as usize % size);
            let range = from.min(to) as u64..from.max(to) as u64 + 1;
            let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let (store, path) = stored(&inner, &bytes, piece).await;
            let expected = &bytes[range.start as usize..range.end as usize];
            let last = size as u64 - 1;
            let ranges = [range.clone(), 0..1, range.start..range.start, last..last + 1, range.clone()];
            let found = store.get_ranges(&path, &ranges).await.unwrap();
            for (found, range) in found.iter().zip(&ranges) {
                assert_eq!(&found[..], &bytes[range.start as usize..range.end as usize]);
            }
            assert_eq!(found.len(), ranges.len());
            assert_eq!(&store.get_range(&path, range.clone()).await.unwrap()[..], expected);
            assert_eq!(&store.get(&path).await.unwrap().bytes().await.unwrap()[..], &bytes[..]);

            let at = flip as usize % size;
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (flip % 8);
            inner.put(&path, damaged.into()).await.unwrap();
            let hit = (range.start / BLOCK_BYTES..=(range.end - 1) / BLOCK_BYTES).contains(&(at as u64 / BLOCK_BYTES));
            assert_eq!(store.get_range(&path, range.clone()).await.is_err(), hit);
            assert_eq!(store.get_ranges(&path, std::slice::from_ref(&range)).await.is_err(), hit);
            assert!(is_damage(&store.get(&path).await.unwrap_err()));
        });
    }
}

#[test]
fn a_failure_that_may_pass_is_no_damage() {
    let failed = |kind: std::io::ErrorKind| object_store::Error::Generic {
        store: "local store",
        source: Box::new(std::io::Error::from(kind)),
    };
    assert!(is_damage(&failed(std::io::ErrorKind::UnexpectedEof)));
    for kind in [
        std::io::ErrorKind::PermissionDenied,
        std::io::ErrorKind::TimedOut,
        std::io::ErrorKind::Other,
    ] {
        assert!(!is_damage(&failed(kind)), "{kind}");
    }
}
