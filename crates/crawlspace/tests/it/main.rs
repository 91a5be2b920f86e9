//! The integration tests: each starts the real program on free ports with a directory of its own.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod answers;
mod attach;
mod bad_input;
mod damage;
mod duck;
mod fixture;
mod generator;
mod kill_nine;
mod lifecycle;
mod odd_keys;
mod otlp;
mod python_sdk;
mod questions;
mod server;
mod streaming;
