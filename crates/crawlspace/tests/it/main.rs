//! The integration tests: each starts the real program on free ports with a directory of its own.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod answers;
mod asking;
mod bucket;
mod cli;
mod duck;
mod keeping;
mod otlp;
mod place;
mod questions;
mod sending;
mod server;
mod sql_workers;
mod torture;
mod window;
