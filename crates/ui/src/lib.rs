//! The window as it was built by Node: its files, in the program. How they are sent is the API's business.

/// A file of the window.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// From the top of the window: `index.html`, `assets/…`.
    pub path: &'static str,
    pub content: &'static [u8],
    /// The same, compressed, where that is shorter.
    pub gzip: Option<&'static [u8]>,
}

/// All of them; none where the program was built without the window.
pub const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));
