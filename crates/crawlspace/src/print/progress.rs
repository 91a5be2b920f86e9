//! How far long work is, on stderr, where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// Bytes of a known whole. Hidden where stderr is no terminal.
pub fn of_bytes(total: u64) -> ProgressBar {
    bar(
        Some(total),
        "{spinner} {msg}  {wide_bar}  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left",
    )
}

/// Bytes of who knows how many.
pub fn of_stream() -> ProgressBar {
    bar(
        None,
        "{spinner} {msg}  {binary_bytes}  {binary_bytes_per_sec}",
    )
}

/// Work of which nothing is known but that it goes on; shown only if it takes a while.
pub fn of_waiting(what: &'static str) -> ProgressBar {
    bar(None, "{spinner} {msg}  {elapsed}").with_message(what)
}

fn bar(total: Option<u64>, template: &str) -> ProgressBar {
    // Draws to stderr, and nothing where that is no terminal.
    let bar = match total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::no_length(),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}
