//! An S3 bucket, or a prefix in one, as a store: Amazon's, or any that speaks its protocol.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};

use crate::error::Error;

/// Within one request. Whoever writes tries again later; whoever asks wants to know soon.
const RETRIES_MAX: usize = 3;
const RETRY_TIME_MAX: Duration = Duration::from_secs(15);

/// Where the bucket is and who asks. Plain data.
#[derive(Clone, Default)]
pub struct S3 {
    /// `s3://bucket` or `s3://bucket/prefix`.
    pub url: String,
    /// Of a server that is not Amazon's, as `http://127.0.0.1:9000`.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// Variables as AWS's tools name them, `AWS_ACCESS_KEY_ID` for example; others are passed over.
    pub variables: Vec<(String, String)>,
}

impl S3 {
    /// The store. Nothing is asked of it yet.
    ///
    /// # Errors
    /// The URL is not one of S3, or a setting has no meaning.
    pub fn open(self) -> Result<Arc<dyn ObjectStore>, Error> {
        let (bucket, prefix) = self.place()?;
        let mut builder = AmazonS3Builder::new();
        for (name, value) in &self.variables {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder.with_bucket_name(bucket).with_retry(RetryConfig {
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_TIME_MAX,
            ..RetryConfig::default()
        });
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            // Who names an endpoint without TLS wants it.
            builder = builder
                .with_endpoint(endpoint)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        Ok(Arc::new(PrefixStore::new(builder.build()?, prefix)))
    }

    /// Bucket and prefix.
    fn place(&self) -> Result<(&str, &str), Error> {
        let place = self.url.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(Error::StoreUrl {
                url: self.url.clone(),
            });
        }
        Ok((bucket, prefix.trim_end_matches('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::S3;

    #[test]
    fn a_url_names_a_bucket_and_perhaps_a_prefix() {
        for (url, expected) in [
            ("s3://bucket", Some(("bucket", ""))),
            ("s3://bucket/", Some(("bucket", ""))),
            ("s3://bucket/a/b/", Some(("bucket", "a/b"))),
            ("s3:///a", None),
            ("https://bucket/a", None),
            ("/var/data", None),
        ] {
            let s3 = S3 {
                url: url.to_owned(),
                ..S3::default()
            };
            assert_eq!(s3.place().ok(), expected, "{url}");
        }
    }
}
