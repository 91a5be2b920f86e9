//! What is sent, by official SDKs, by hand and wrongly.

mod bad_input;
mod odd_keys;
mod official_sdks;
pub mod otlp_rules;
mod python_sdk;
