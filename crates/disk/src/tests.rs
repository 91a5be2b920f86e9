//! One check that every file system must pass, and the directory lock.

use std::io::ErrorKind;
use std::path::Path;

use crate::{DirectoryLock, FileSystem, RealFs, SimFs};

/// What every implementation must do, below a directory that exists.
fn check(fs: &dyn FileSystem, root: &Path) {
    let dir = root.join("one/two");
    fs.create_dir_all(&dir).unwrap();
    fs.create_dir_all(&dir).unwrap();
    let (a, b) = (dir.join("a"), dir.join("b"));

    let mut file = fs.create(&b).unwrap();
    file.append(b"hello ").unwrap();
    file.append(b"world").unwrap();
    file.sync().unwrap();
    fs.create(&a).unwrap();
    assert_eq!(fs.create(&a).unwrap_err().kind(), ErrorKind::AlreadyExists);
    fs.sync_dir(&dir).unwrap();
    assert_eq!(fs.list(&dir).unwrap(), [a.clone(), b.clone()]);
    assert!(
        fs.list(root).unwrap().is_empty(),
        "directories are not files"
    );

    assert_eq!(fs.read(&b).unwrap(), "hello world");
    assert_eq!(fs.read_range(&b, 6..8).unwrap(), "wo");
    assert_eq!(fs.read_range(&b, 6..100).unwrap(), "world");
    assert_eq!(fs.read_range(&b, 100..200).unwrap(), "");
    assert_eq!(fs.len(&b).unwrap(), 11);

    fs.truncate(&b, 20).unwrap();
    assert_eq!(fs.len(&b).unwrap(), 11, "truncate never grows a file");
    fs.truncate(&b, 11).unwrap();
    file.write_ahead(3, b'-').unwrap();
    assert_eq!(fs.read(&b).unwrap(), "hello world---");
    file.append(b"!").unwrap();
    file.append(b"!").unwrap();
    assert_eq!(fs.read(&b).unwrap(), "hello world!!-");
    file.append(b"!!").unwrap();
    assert_eq!(fs.read(&b).unwrap(), "hello world!!!!");
    file.write_ahead(2, b'-').unwrap();
    file.sync().unwrap();
    fs.truncate(&b, 5).unwrap();

    fs.rename(&b, &a).unwrap();
    assert_eq!(fs.list(&dir).unwrap(), std::slice::from_ref(&a));
    assert_eq!(fs.read(&a).unwrap(), "hello");
    fs.remove(&a).unwrap();
    assert!(fs.list(&dir).unwrap().is_empty());

    let space = fs.space(&dir).unwrap();
    assert!(0 < space.free_bytes && space.free_bytes <= space.size_bytes);
    fs.reserve(&a, 5_000).unwrap();
    assert_eq!(fs.len(&a).unwrap(), 5_000);
    assert_eq!(
        fs.reserve(&a, 1).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    fs.remove(&a).unwrap();

    for error in [
        fs.read(&a).unwrap_err(),
        fs.len(&a).unwrap_err(),
        fs.truncate(&a, 0).unwrap_err(),
        fs.remove(&a).unwrap_err(),
        fs.rename(&a, &b).unwrap_err(),
        fs.list(&root.join("none")).unwrap_err(),
        fs.create(&root.join("none/a")).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn both_file_systems_do_the_same() {
    check(&RealFs, tempfile::tempdir().unwrap().path());
    check(&SimFs::new(1), Path::new("/"));
}

#[test]
fn a_directory_is_not_made_over_a_file() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a"), "").unwrap();
    RealFs.create_dir_all(&root.path().join("a")).unwrap_err();
}

#[test]
fn a_directory_has_one_lock_holder() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DirectoryLock::take(dir.path()).unwrap().unwrap();
    assert!(DirectoryLock::take(dir.path()).unwrap().is_none());
    drop(lock);
    assert!(DirectoryLock::take(dir.path()).unwrap().is_some());
    DirectoryLock::take(&dir.path().join("none")).unwrap_err();
}
