//! A data directory whose parts are in it, or in a bucket: tests of what is kept hold for both.

use std::ops::Range;
use std::path::PathBuf;

use crate::bucket::Bucket;
use crate::server::{Server, files_below, invert, new_data_directory};

pub struct Place {
    _home: tempfile::TempDir,
    pub data: PathBuf,
    pub bucket: Option<Bucket>,
    /// What the keys of its objects begin with.
    prefix: String,
}

impl Place {
    pub fn directory() -> Self {
        let (home, data) = new_data_directory();
        Self {
            _home: home,
            data,
            bucket: None,
            prefix: "house".to_owned(),
        }
    }

    pub fn bucket() -> Self {
        Self {
            bucket: Some(Bucket::start()),
            ..Self::directory()
        }
    }

    /// An empty one, in the same bucket.
    pub fn next(self) -> Self {
        Self {
            bucket: self.bucket,
            prefix: format!("{}-next", self.prefix),
            ..Self::directory()
        }
    }

    /// What says where parts are, and further flags.
    pub fn flags(&self, further: &[&str]) -> Vec<String> {
        let place = self.bucket.iter().flat_map(|it| it.flags(&self.prefix));
        place
            .chain(further.iter().map(ToString::to_string))
            .collect()
    }

    pub fn start(&self, further: &[&str]) -> Server {
        let flags = self.flags(further);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        Server::start_with(&self.data, &flags)
    }

    /// Names of all parts: paths, the same wherever they are.
    pub fn parts(&self) -> Vec<String> {
        if let Some(bucket) = &self.bucket {
            let names = bucket.names(&self.key("data/"));
            let name = |key: &String| key[self.key("").len()..].to_owned();
            return names.iter().map(name).collect();
        }
        let root = self.lake();
        let files = files_below(&root.join("data"), ".parquet");
        let name = |file: &PathBuf| file.strip_prefix(&root).unwrap().display().to_string();
        files.iter().map(name).collect()
    }

    fn key(&self, part: &str) -> String {
        format!("{}/{part}", self.prefix)
    }

    pub fn read(&self, part: &str) -> Vec<u8> {
        match &self.bucket {
            Some(bucket) => bucket.read(&self.key(part)),
            None => std::fs::read(self.lake().join(part)).unwrap(),
        }
    }

    pub fn write(&self, part: &str, bytes: Vec<u8>) {
        match &self.bucket {
            Some(bucket) => bucket.write(&self.key(part), bytes),
            None => std::fs::write(self.lake().join(part), bytes).unwrap(),
        }
    }

    pub fn remove(&self, part: &str) {
        match &self.bucket {
            Some(bucket) => bucket.remove(&self.key(part)),
            None => std::fs::remove_file(self.lake().join(part)).unwrap(),
        }
    }

    /// Inverts the bytes in the range that `damaged` chooses by the part's length.
    pub fn damage(&self, part: &str, damaged: fn(usize) -> Range<usize>) {
        let mut bytes = self.read(part);
        invert(&mut bytes, damaged);
        self.write(part, bytes);
        // A cached piece would still be good.
        let cache = self.data.join("cache");
        if cache.exists() {
            std::fs::remove_dir_all(cache).unwrap();
        }
    }

    fn lake(&self) -> PathBuf {
        self.data.join("lake")
    }
}
