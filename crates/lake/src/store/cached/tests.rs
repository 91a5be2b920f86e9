//! The cache against the object itself: the same bytes whatever is asked, few requests, and never more than the bound.

use std::sync::Arc;

use bytes::Bytes;
use crawlspace_disk::{FileSystem, RealFs, SimFs};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;

use super::{CHUNK_BYTES, CachedStore};

const SIZE: u64 = 3 * CHUNK_BYTES + 77;

fn bytes() -> Bytes {
    (0..SIZE).map(|at| (at * 31 % 251) as u8).collect()
}

fn open(inner: &Arc<InMemory>, directory: &std::path::Path, bytes_max: u64) -> CachedStore {
    let files: Arc<dyn FileSystem> = Arc::new(RealFs);
    let inner: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(inner);
    CachedStore::open(inner, files, directory.to_owned(), bytes_max).unwrap()
}

fn kept_bytes(directory: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

#[tokio::test]
async fn what_was_read_once_is_read_without_the_store_even_by_the_next_run() {
    let (inner, directory) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
    let path = Path::from("data/main/spans/a.parquet");
    inner.put(&path, bytes().into()).await.unwrap();
    let store = open(&inner, directory.path(), 1 << 30);
    let range = CHUNK_BYTES - 10..SIZE;
    let expected = bytes().slice(CHUNK_BYTES as usize - 10..);
    assert_eq!(
        store.get_range(&path, range.clone()).await.unwrap(),
        expected
    );
    inner.delete(&path).await.unwrap();
    for store in [store, open(&inner, directory.path(), 1 << 30)] {
        let found = store.get_range(&path, range.clone()).await.unwrap();
        assert_eq!(found, expected, "without the object");
    }
}

#[tokio::test]
async fn a_damaged_chunk_is_fetched_again() {
    let (inner, directory) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
    let path = Path::from("data/main/spans/a.parquet");
    inner.put(&path, bytes().into()).await.unwrap();
    let store = open(&inner, directory.path(), 1 << 30);
    store.get_range(&path, 0..SIZE).await.unwrap();
    let mut damaged = 0;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap().path();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[17] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        damaged += 1;
    }
    assert_eq!(damaged, 4);
    assert_eq!(store.get_range(&path, 0..SIZE).await.unwrap(), bytes());
}

#[tokio::test]
async fn it_keeps_to_its_bound_and_forgets_what_is_deleted() {
    let (inner, directory) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
    let bound = 2 * SIZE;
    let store = open(&inner, directory.path(), bound);
    let paths: Vec<Path> = (0..5)
        .map(|number| Path::from(format!("data/main/spans/{number}.parquet")))
        .collect();
    for path in &paths {
        inner.put(path, bytes().into()).await.unwrap();
        store.get_range(path, 0..SIZE).await.unwrap();
        assert!(kept_bytes(directory.path()) <= bound);
    }
    inner.delete(&paths[4]).await.unwrap();
    store.get_range(&paths[4], 0..SIZE).await.unwrap();
    store.delete(&paths[4]).await.unwrap();
    assert!(store.get_range(&paths[4], 0..SIZE).await.is_err());
    drop(store);
    open(&inner, directory.path(), CHUNK_BYTES * 3 / 2);
    assert!(kept_bytes(directory.path()) <= CHUNK_BYTES * 3 / 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_ranges_in_any_order_are_the_objects_own(
        asked in proptest::collection::vec(proptest::collection::vec((0..SIZE, 1..CHUNK_BYTES * 2), 1..4), 1..6),
        bound in 1_000..SIZE * 2,
    ) {
        let inner = Arc::new(InMemory::new());
        let path = Path::from("data/main/spans/a.parquet");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            inner.put(&path, bytes().into()).await.unwrap();
            let files: Arc<dyn FileSystem> = Arc::new(SimFs::new(1));
            let store = CachedStore::open(inner, files, "/cache".into(), bound).unwrap();
            for ranges in asked {
                let ranges: Vec<_> = ranges
                    .into_iter()
                    .map(|(start, length)| start..(start + length).min(SIZE))
                    .collect();
                let found = store.get_ranges(&path, &ranges).await.unwrap();
                for (range, found) in ranges.iter().zip(found) {
                    let expected = bytes().slice(range.start as usize..range.end as usize);
                    assert!(found == expected, "{range:?}");
                }
            }
        });
    }
}
