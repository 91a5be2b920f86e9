//! The first keys of a data directory: made where keys are asked for and nobody has one yet, and shown once.

use std::fmt::Write as _;

use crawlspace_control::{Actor, KeyRequest, Keys, Scope, Secret};
use serde_json::{Value, json};

/// Those that were made at this start.
#[derive(Debug, Default)]
pub struct FirstKeys {
    admin: Option<Secret>,
    ingest: Option<Secret>,
}

impl FirstKeys {
    /// Makes a key for each scope that there never was a key for.
    pub async fn make(keys: &Keys) -> anyhow::Result<Self> {
        Ok(Self {
            admin: first(keys, Scope::Admin).await?,
            ingest: first(keys, Scope::Ingest).await?,
        })
    }

    /// Adds them to the line that programs read.
    pub fn tell(&self, line: &mut Value) {
        for (name, secret) in [
            ("first_key", &self.admin),
            ("first_ingest_key", &self.ingest),
        ] {
            if let Some(secret) = secret {
                line[name] = json!(secret.expose());
            }
        }
    }

    /// For people; nothing if none was made.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (secret, before) in [
            (
                &self.admin,
                "Your key for everything:\n  export CRAWLSPACE_KEY=",
            ),
            (
                &self.ingest,
                "The key of your applications:\n  export OTEL_EXPORTER_OTLP_HEADERS=x-crawlspace-key=",
            ),
        ] {
            if let Some(secret) = secret {
                _ = write!(text, "\n\n{before}{}", secret.expose());
            }
        }
        if !text.is_empty() {
            text.push_str("\n\nKeys are shown this once. `crawlspace key create` makes more.");
        }
        text
    }
}

async fn first(keys: &Keys, scope: Scope) -> anyhow::Result<Option<Secret>> {
    if keys.has_had(scope) {
        return Ok(None);
    }
    let request = KeyRequest::new("first", scope, &[""; 0])?;
    Ok(Some(keys.create(request, Actor::Start).await?.secret))
}
