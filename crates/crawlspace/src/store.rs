//! Where the data goes and how long it stays: the flags that say so, and the lake that they make.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use crawlspace_disk::FileSystem;
use crawlspace_lake::{AtStart, CachedStore, Lake, LocalStore, Retention, S3, SqliteCatalogue};
use crawlspace_model::{Clock, Table};
use object_store::ObjectStore;

use crate::config::{bytes, duration};
use crate::data_dir::DataDir;
use crate::memory::Budget;

/// Heading of the flags about a bucket.
const BUCKET: &str = "Bucket";

/// Everything about parts.
#[derive(Debug, Clone, Args)]
pub struct StoreArguments {
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Write the rows in memory as parts when there are so many; without, 100,000
    #[arg(long, value_name = "ROWS", env = "CRAWLSPACE_FLUSH_ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub flush_rows: Option<u64>,
    /// Write them, too, when the oldest has this age, for example 5s; without, 60s
    #[arg(long, value_name = "DURATION", env = "CRAWLSPACE_FLUSH_AGE", value_parser = duration)]
    pub flush_age: Option<Duration>,
    /// Rows that wait to be written as parts, because the store is slow or away, may take so much in memory, and their
    /// requests in the log; beyond it requests are refused for now. Without, 1GiB, or a tenth of the memory that there is
    #[arg(long, value_name = "SIZE", env = "CRAWLSPACE_MEMORY_SIZE", value_parser = bytes)]
    pub memory_size: Option<u64>,
    /// Keep rows for so long after they came in, or `forever`; `logs=7d` says it of one table, a comma goes between
    #[arg(
        long,
        value_name = "[TABLE=]AGE",
        env = "CRAWLSPACE_RETENTION_AGE",
        value_delimiter = ',',
        default_value = "30d"
    )]
    pub retention_age: Vec<AgeLimit>,
    /// Keep no more than this in parts: the oldest go first, for example 200GiB
    #[arg(long, value_name = "SIZE", env = "CRAWLSPACE_RETENTION_SIZE", value_parser = bytes)]
    pub retention_size: Option<u64>,
}

/// Where parts are.
#[derive(Debug, Clone, Args)]
pub struct PlaceArguments {
    /// The bucket that holds the data directory's parts, `s3://BUCKET/PREFIX`; without, they are in the directory itself.
    /// Credentials come from the variables that AWS's tools read, `AWS_ACCESS_KEY_ID` for example
    #[arg(long, value_name = "URL", env = "CRAWLSPACE_STORE", help_heading = BUCKET)]
    pub store: Option<String>,
    /// The S3 server, if it is not Amazon's: `http://127.0.0.1:9000` for example
    #[arg(long, value_name = "URL", env = "CRAWLSPACE_STORE_ENDPOINT", help_heading = BUCKET)]
    pub store_endpoint: Option<String>,
    /// The bucket's region; without, us-east-1
    #[arg(long, value_name = "NAME", env = "CRAWLSPACE_STORE_REGION", help_heading = BUCKET)]
    pub store_region: Option<String>,
    /// What the data directory may keep of a bucket's parts, so that they need not be fetched again
    #[arg(long, value_name = "SIZE", env = "CRAWLSPACE_STORE_CACHE_SIZE", value_parser = bytes, default_value = "10GiB", help_heading = BUCKET)]
    pub store_cache_size: u64,
}

/// How long rows stay: of one table or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeLimit {
    table: Option<Table>,
    age: Duration,
}

impl FromStr for AgeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (table, age) = match text.split_once('=') {
            Some((name, age)) => {
                let table = Table::ALL.into_iter().find(|table| table.name() == name);
                let unknown = || format!("`{name}` is none of spans, logs, metrics, changes");
                (Some(table.ok_or_else(unknown)?), age)
            }
            None => (None, text),
        };
        let age = match age {
            "forever" => Duration::MAX,
            age => duration(age)?,
        };
        Ok(Self { table, age })
    }
}

impl StoreArguments {
    pub fn lake_config(&self) -> crawlspace_lake::Config {
        let defaults = crawlspace_lake::Config::default();
        crawlspace_lake::Config {
            flush_rows: self.flush_rows.unwrap_or(defaults.flush_rows),
            flush_age: self.flush_age.unwrap_or(defaults.flush_age),
            retention: self.retention(),
            plan_bytes_max: Budget::of_here().plan_bytes,
            ..defaults
        }
    }

    fn retention(&self) -> Retention {
        let mut retention = Retention {
            size_bytes_max: self.retention_size,
            ..Retention::default()
        };
        // Those of one table last, in whichever order they stand.
        let (of_all, of_one): (Vec<&AgeLimit>, Vec<&AgeLimit>) = self
            .retention_age
            .iter()
            .partition(|limit| limit.table.is_none());
        for limit in of_all.into_iter().chain(of_one) {
            for table in Table::ALL {
                if limit.table.is_none_or(|only| only == table) {
                    retention.age[table as usize] = limit.age;
                }
            }
        }
        retention
    }
}

impl PlaceArguments {
    /// The store of that URL.
    pub fn bucket(&self, url: &str) -> Result<Arc<dyn ObjectStore>, crawlspace_lake::Error> {
        let settings = S3 {
            url: url.to_owned(),
            endpoint: self.store_endpoint.clone(),
            region: self.store_region.clone(),
            variables: aws_variables(),
        };
        settings.open()
    }

    /// The store of a data directory's parts, and the catalogue's data path in it.
    pub fn open(
        &self,
        data_dir: &DataDir,
        fs: &Arc<dyn FileSystem>,
    ) -> anyhow::Result<(Arc<dyn ObjectStore>, String)> {
        let root = data_dir.lake();
        let Some(url) = &self.store else {
            let parts = root.join("data");
            let parts = parts
                .to_str()
                .with_context(|| format!("directory `{}` is not UTF-8", parts.display()))?
                .to_owned();
            return Ok((Arc::new(LocalStore::new(Arc::clone(fs), root)), parts));
        };
        let bucket = self.bucket(url)?;
        let cache = data_dir.cache();
        let cached =
            CachedStore::open(bucket, Arc::clone(fs), cache.clone(), self.store_cache_size)
                .with_context(|| format!("cache `{}` can't be used", cache.display()))?;
        Ok((
            Arc::new(cached),
            format!("{}/data", url.trim_end_matches('/')),
        ))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "credentials have the names that AWS's tools give them, and are no flags: those would show them"
)]
fn aws_variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("AWS_"))
        .collect()
}

/// For commands that look at data: how long it stays is for `serve` to say.
pub fn keep_everything(at_start: AtStart) -> crawlspace_lake::Config {
    crawlspace_lake::Config {
        at_start,
        retention: Retention {
            age: [Duration::MAX; 4],
            size_bytes_max: None,
        },
        ..crawlspace_lake::Config::default()
    }
}

/// Opens the lake of a data directory.
pub async fn open_lake(
    config: crawlspace_lake::Config,
    place: &PlaceArguments,
    data_dir: &DataDir,
    fs: &Arc<dyn FileSystem>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<Lake>> {
    let mut config = config;
    if place.store.is_some() && config.at_start == AtStart::CheckParts {
        config.at_start = AtStart::TrustStore;
    }
    let (store, data_path) = place.open(data_dir, fs)?;
    if place.store.is_none() {
        fs.create_dir_all(Path::new(&data_path))
            .with_context(|| format!("directory `{data_path}` can't be made"))?;
    }
    let file = data_dir.catalogue();
    let catalogue = SqliteCatalogue::open(&file, Path::new(&data_path), Arc::clone(clock)).await?;
    let dependencies = crawlspace_lake::Dependencies {
        store,
        catalogue: Arc::new(catalogue),
        clock: Arc::clone(clock),
    };
    Ok(Lake::open(config, dependencies).await?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::StoreArguments;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        store: StoreArguments,
    }

    #[test]
    fn retention_is_for_all_tables_or_for_one() {
        let day = |days: u64| Duration::from_secs(days * 86_400);
        for (arguments, expected) in [
            (vec![], Some([day(30); 4])),
            (vec!["--retention-age", "7d"], Some([day(7); 4])),
            (
                vec!["--retention-age", "logs=1d,90d"],
                Some([day(90), day(1), day(90), day(90)]),
            ),
            (
                vec!["--retention-age", "30d", "--retention-age", "spans=forever"],
                Some([Duration::MAX, day(30), day(30), day(30)]),
            ),
            (vec!["--retention-age", "logs"], None),
            (vec!["--retention-age", "pods=7d"], None),
            (vec!["--retention-size", "7"], None),
        ] {
            let parsed = Cli::try_parse_from(std::iter::once("serve").chain(arguments.clone()));
            let ages = parsed.ok().map(|cli| cli.store.retention().age);
            assert_eq!(ages, expected, "{arguments:?}");
        }
    }
}
