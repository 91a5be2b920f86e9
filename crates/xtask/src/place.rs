//! Where things are: the repository, the cache that outlives a checkout, and the build directories.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// What the names of our crates begin with.
const OURS: [&str; 2] = ["crawlspace-", "xtask-"];

pub struct Place {
    pub root: PathBuf,
    /// For what is worth keeping between checkouts: builds and the Python environment.
    pub cache: PathBuf,
    /// Where tests and the demonstration are built.
    pub target: PathBuf,
    /// Where the benchmark is built, which people look for in the usual place.
    pub release_target: PathBuf,
}

impl Place {
    pub fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .ancestors()
            .nth(2)
            .context("xtask lies outside the repository")?;
        let home = env::var_os("HOME").map(PathBuf::from);
        let cache = home
            .map(|home| home.join(".cache/crawlspace"))
            .filter(|cache| is_writable(cache))
            .unwrap_or_else(|| root.join("target"));
        let chosen = env::var_os("CARGO_TARGET_DIR").map(|target| root.join(target));
        let target = match &chosen {
            Some(target) => target.clone(),
            None if cache.starts_with(root) => root.join("target"),
            None => cache.join("target"),
        };
        Ok(Self {
            root: root.to_owned(),
            cache,
            target,
            release_target: chosen.unwrap_or_else(|| root.join("target")),
        })
    }

    /// Makes the kept builds those of this checkout. Cargo tells by times alone whether a file has changed: what another
    /// checkout built of newer files would be taken for built of these.
    pub fn claim_builds(&self) -> Result<()> {
        let note = self.target.join("checkout");
        let root = self.root.to_string_lossy();
        if fs::read_to_string(&note).is_ok_and(|owner| owner == root) {
            return Ok(());
        }
        let built = self.target.join("debug/.fingerprint");
        if built.is_dir() {
            for crate_built in fs::read_dir(&built)? {
                let path = crate_built?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if OURS.iter().any(|ours| name.starts_with(ours)) {
                    fs::remove_dir_all(&path)?;
                }
            }
        }
        fs::create_dir_all(&self.target)?;
        fs::write(&note, root.as_bytes()).with_context(|| format!("writing {}", note.display()))
    }

    /// Cargo on the workspace, as if from a shell. What `cargo run` told this program of its own package would change
    /// the environment of build scripts with each checkout, and so build DataFusion again.
    pub fn cargo(&self, target: &Path) -> Command {
        let mut cargo = Command::new("cargo");
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        cargo
            .env("CARGO_TARGET_DIR", target)
            .current_dir(&self.root);
        cargo
    }
}

/// Whether files can be made in `directory`, which is made when absent.
fn is_writable(directory: &Path) -> bool {
    let probe = directory.join(format!(".probe-{}", std::process::id()));
    fs::create_dir_all(directory).is_ok()
        && fs::write(&probe, "").is_ok()
        && fs::remove_file(&probe).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Place, is_writable};

    #[test]
    fn the_root_holds_the_workspace() {
        let root = Place::find().unwrap().root;
        let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn cargo_is_not_told_of_this_package() {
        let place = Place::find().unwrap();
        let mut cargo = place.cargo(&place.target);
        // Cargo, as the tests' starter, has set both.
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(std::env::var_os(name).is_some());
            assert!(
                cargo
                    .get_envs()
                    .any(|(key, value)| key == name && value.is_none())
            );
        }
        assert!(cargo.arg("--version").status().unwrap().success());
    }

    #[test]
    fn builds_of_another_checkout_are_not_taken_for_ours() {
        let scratch = std::env::temp_dir().join(format!("crawlspace-claim-{}", std::process::id()));
        let built = scratch.join("debug/.fingerprint");
        let build = |name: &str| std::fs::create_dir_all(built.join(name)).unwrap();
        let place = |root: &str| Place {
            root: root.into(),
            cache: scratch.clone(),
            target: scratch.clone(),
            release_target: scratch.clone(),
        };
        place("/one").claim_builds().unwrap();
        let names = [
            "crawlspace-1f",
            "crawlspace-lake-2f",
            "datafusion-3f",
            "xtask-4f",
        ];
        names.into_iter().for_each(build);
        place("/one").claim_builds().unwrap();
        assert!(names.iter().all(|name| built.join(name).exists()));
        place("/two").claim_builds().unwrap();
        let left = names.iter().filter(|name| built.join(name).exists());
        assert_eq!(left.collect::<Vec<_>>(), [&"datafusion-3f"]);
        std::fs::remove_dir_all(&scratch).unwrap();
    }

    #[test]
    fn a_folder_below_a_file_is_not_writable() {
        let file = std::env::current_exe().unwrap();
        assert!(!is_writable(&file.join("below")));
        assert!(is_writable(&std::env::temp_dir()));
    }
}
