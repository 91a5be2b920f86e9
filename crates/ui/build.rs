//! Lists what `npm run build` left in `web/app/dist`. Without it, as without Node, the list is empty, and the program says
//! so in place of the window.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let app = manifest.join("../../web/app");
    let built = app.join("dist");
    // What is not there yet is watched by its folder.
    let watched = if built.is_dir() { &built } else { &app };
    println!("cargo::rerun-if-changed={}", watched.display());
    let mut files = Vec::new();
    if built.is_dir() {
        find(&built, "", &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for (path, file) in &files {
        if path.ends_with(".gz") {
            continue;
        }
        let gzip = file.with_file_name(format!(
            "{}.gz",
            file.file_name().unwrap_or_default().to_string_lossy()
        ));
        let gzip = match gzip.is_file() {
            true => format!("Some(include_bytes!({:?}))", gzip.display().to_string()),
            false => "None".to_owned(),
        };
        let content = file.display().to_string();
        writeln!(
            list,
            "File {{ path: {path:?}, content: include_bytes!({content:?}), gzip: {gzip} }},"
        )
        .expect("a string takes it");
    }
    list.push(']');
    fs::write(out.join("files.rs"), list)
}

/// All files below, but for hidden ones, by their path from the top.
fn find(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            find(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}
