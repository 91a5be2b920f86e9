//! The data directory: who uses it, which version wrote it, and where things are in it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use crawlspace_disk::{DirectoryLock, FileSystem};
use crawlspace_model::table::FORMAT_VERSION;
use serde::{Deserialize, Serialize};

const VERSION_FILE: &str = "crawlspace.json";
/// Where the running server listens.
const ADDRESS_FILE: &str = "address";

/// A directory that no other crawlspace uses, as long as this lives.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    _lock: DirectoryLock,
}

#[derive(Serialize, Deserialize)]
struct Version {
    format_version: u32,
}

impl DataDir {
    /// Makes the directory if absent, takes it, and checks its version.
    pub fn open(fs: &dyn FileSystem, path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs.create_dir_all(path)
            .with_context(|| format!("data directory `{shown}` can't be made"))?;
        let root = path
            .canonicalize()
            .with_context(|| format!("data directory `{shown}` can't be opened"))?;
        let lock = DirectoryLock::take(&root)
            .with_context(|| format!("data directory `{shown}` can't be locked"))?;
        let Some(lock) = lock else {
            bail!(
                "data directory `{shown}` is in use by another crawlspace (it holds the lock `{}`): \
                 stop it or choose another with --data-dir",
                root.join("LOCK").display()
            );
        };
        check_version(fs, &root)
            .with_context(|| format!("data directory `{shown}` can't be used"))?;
        Ok(Self { root, _lock: lock })
    }

    /// Absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Says where this directory's server listens, as long as it runs.
    pub fn announce(&self, http: SocketAddr) -> anyhow::Result<()> {
        let path = self.root.join(ADDRESS_FILE);
        std::fs::write(&path, http.to_string())
            .with_context(|| format!("`{}` can't be written", path.display()))
    }

    pub fn wal(&self) -> PathBuf {
        self.root.join("wal")
    }

    /// The database of what people configured and keep together.
    pub fn control(&self) -> PathBuf {
        self.root.join("control.sqlite")
    }

    /// The root of the lake's objects; its catalogue lies beside them.
    pub fn lake(&self) -> PathBuf {
        self.root.join("lake")
    }

    pub fn catalogue(&self) -> PathBuf {
        self.lake().join("catalogue.sqlite")
    }

    /// Where a backup's databases are until they are copied.
    pub fn scratch(&self) -> PathBuf {
        self.root.join("backup.tmp")
    }

    /// The place of a database by the name that it has in backups: the catalogue's, or one of its own.
    pub fn database(&self, name: &str) -> PathBuf {
        if name == crawlspace_lake::backup::CATALOGUE {
            self.catalogue()
        } else {
            self.root.join(name)
        }
    }

    /// What is kept of a remote store's parts.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        _ = std::fs::remove_file(self.root.join(ADDRESS_FILE));
    }
}

/// Where the server of a data directory listens. After a crash, that is where it did.
///
/// # Errors
/// `NotFound` if none runs there.
pub fn running_at(path: &Path) -> std::io::Result<SocketAddr> {
    let text = std::fs::read_to_string(path.join(ADDRESS_FILE))?;
    text.trim().parse().map_err(std::io::Error::other)
}

fn check_version(fs: &dyn FileSystem, root: &Path) -> anyhow::Result<()> {
    let path = root.join(VERSION_FILE);
    let text = match fs.read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return write_version(fs, root);
        }
        Err(error) => return Err(error).with_context(|| format!("`{VERSION_FILE}` can't be read")),
    };
    let version: Version = serde_json::from_slice(&text)
        .with_context(|| format!("`{VERSION_FILE}` in it does not say which version wrote it"))?;
    if version.format_version > FORMAT_VERSION {
        bail!(
            "it has format version {}, this program ({}) knows up to {FORMAT_VERSION}: \
             start a newer crawlspace, or choose another directory with --data-dir",
            version.format_version,
            env!("CARGO_PKG_VERSION")
        );
    }
    Ok(())
}

/// Under another name first: the file is there whole or not at all.
fn write_version(fs: &dyn FileSystem, root: &Path) -> anyhow::Result<()> {
    let text = serde_json::to_vec(&Version {
        format_version: FORMAT_VERSION,
    })?;
    let (path, draft) = (root.join(VERSION_FILE), root.join("crawlspace.json.new"));
    let write = || {
        if fs.list(root)?.contains(&draft) {
            fs.remove(&draft)?;
        }
        let mut file = fs.create(&draft)?;
        file.append(&text)?;
        file.sync()?;
        fs.rename(&draft, &path)?;
        fs.sync_dir(root)
    };
    write().with_context(|| format!("`{VERSION_FILE}` can't be written"))
}

#[cfg(test)]
mod tests {
    use crawlspace_disk::RealFs;

    use super::{DataDir, running_at};

    #[test]
    fn a_directory_says_where_its_server_listens_as_long_as_it_runs() {
        let dir = tempfile::tempdir().unwrap();
        let running = DataDir::open(&RealFs, dir.path()).unwrap();
        let address = "127.0.0.1:4320".parse().unwrap();
        running.announce(address).unwrap();
        assert_eq!(running_at(dir.path()).unwrap(), address);
        drop(running);
        let stopped = running_at(dir.path()).unwrap_err();
        assert_eq!(stopped.kind(), std::io::ErrorKind::NotFound);
    }

    #[test]
    fn a_directory_has_one_user_and_a_known_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let first = DataDir::open(&RealFs, &path).unwrap();
        let second = format!("{:#}", DataDir::open(&RealFs, &path).unwrap_err());
        assert!(
            second.contains("is in use by another crawlspace"),
            "{second}"
        );
        drop(first);
        drop(DataDir::open(&RealFs, &path).unwrap());

        let version = path.join("crawlspace.json");
        assert_eq!(
            std::fs::read_to_string(&version).unwrap(),
            r#"{"format_version":1}"#
        );
        for (text, expected) in [
            (r#"{"format_version":2}"#, "has format version 2"),
            ("", "does not say which version"),
        ] {
            std::fs::write(&version, text).unwrap();
            let refused = format!("{:#}", DataDir::open(&RealFs, &path).unwrap_err());
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
