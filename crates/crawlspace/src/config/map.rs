//! Flags of `map`, and the file of vendors that `serve` reads for it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use crawlspace_insight::Vendor;
use serde::Deserialize;

use super::{RangeArguments, ServerArguments};

/// Draw what talks to what, from spans alone
#[derive(Debug, Args)]
#[command(after_help = MAP_EXAMPLES)]
pub struct MapArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Only calls from or to this service
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    #[command(flatten)]
    pub range: RangeArguments,
    /// An SQL condition on spans: only calls from or to those that fulfil it
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Show what differs from so much earlier, for example 1d
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["compare_start", "compare_end"])]
    pub compare_before: Option<String>,
    /// Show what differs from the time that begins here
    #[arg(long, value_name = "TIME")]
    pub compare_start: Option<String>,
    /// … and ends here
    #[arg(long, value_name = "TIME")]
    pub compare_end: Option<String>,
    /// Show what differs from the calls from or to spans that fulfil this condition
    #[arg(long, value_name = "CONDITION")]
    pub compare_where: Option<String>,
}

const MAP_EXAMPLES: &str = "\
Without a time, the last hour is drawn. Calls of which the called side sends no spans are there too.

Examples:
  crawlspace map
  crawlspace map --last 15m --service checkout
  crawlspace map --last 1h --compare-before 1d
  crawlspace map --where \"service.version = '1.4.1'\" --compare-where \"service.version <> '1.4.1'\"
  crawlspace map --json | jq '.edges[] | select(.errors > 0)'";

impl MapArguments {
    /// All conditions in one.
    pub fn all_conditions(&self) -> Option<String> {
        let service = self
            .service
            .as_ref()
            .map(|service| format!("service.name = '{}'", service.replace('\'', "''")));
        match (service, &self.condition) {
            (Some(service), Some(condition)) => Some(format!("{service} AND ({condition})")),
            (service, condition) => service.or_else(|| condition.clone()),
        }
    }
}

/// The file of `--vendors`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendors {
    #[serde(default)]
    vendor: Vec<Vendor>,
}

/// The vendors that a file names, none without.
pub fn vendors(file: Option<&PathBuf>) -> anyhow::Result<Vec<Vendor>> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    read(file).with_context(|| format!("the vendors in `{}` can't be read", file.display()))
}

fn read(file: &Path) -> anyhow::Result<Vec<Vendor>> {
    let vendors: Vendors = toml::from_str(&std::fs::read_to_string(file)?)?;
    Ok(vendors.vendor)
}

#[cfg(test)]
mod tests {
    use super::vendors;

    #[test]
    fn a_file_of_vendors_is_read_or_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("vendors.toml");
        let text =
            "[[vendor]]\nname = \"Acme Pay\"\ncategory = \"payments\"\nhosts = [\"pay.example\"]\n";
        std::fs::write(&file, text).unwrap();
        let found = vendors(Some(&file)).unwrap();
        assert_eq!((found.len(), found[0].name.as_str()), (1, "Acme Pay"));
        assert!(vendors(None).unwrap().is_empty());
        std::fs::write(&file, text.replace("hosts", "host")).unwrap();
        let refused = format!("{:#}", vendors(Some(&file)).unwrap_err());
        assert!(
            refused.contains("vendors.toml") && refused.contains("host"),
            "{refused}"
        );
    }
}
