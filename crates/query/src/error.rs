//! What can go wrong with a question, in words for whoever asked it.

use std::time::Duration;

use arrow::error::ArrowError;
use crawlspace_lake::is_unreachable;
use crawlspace_model::ErrorKind;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{message}")]
    Syntax {
        message: String,
        line: u64,
        column: u64,
    },
    #[error("unknown field `{name}`{}", suggested(suggestion.as_deref()))]
    UnknownField {
        name: String,
        suggestion: Option<String>,
    },
    #[error("unknown table `{name}`: there are spans, logs, metrics and changes")]
    UnknownTable { name: String },
    #[error("{0}")]
    Request(String),
    #[error("{what} is over the limit of {limit}: {advice}")]
    OverLimit {
        what: &'static str,
        limit: u64,
        advice: &'static str,
    },
    #[error(
        "the query took longer than {limit:?} and was stopped: narrow its time range or its filter, or give it more time by `timeout`"
    )]
    TimeLimit { limit: Duration },
    #[error("{running} queries run and {waiting} wait: try again in a moment")]
    Busy { running: usize, waiting: usize },
    #[error(
        "the query took more than the {} MiB of memory that there are for SQL and was stopped: narrow its time range, name fewer columns, or group by less",
        limit >> 20
    )]
    WorkerMemory { limit: u64 },
    #[error(
        "the query ended the process that ran it, and nothing else ({how}): it is nested too deeply or asks for too much at a time"
    )]
    WorkerDied { how: String },
    #[error("no process could be started for SQL ({source}): try again in a moment")]
    WorkerStart { source: std::io::Error },
    /// As the process for SQL has said it.
    #[error("{message}")]
    Told { kind: ErrorKind, message: String },
    #[error("nobody read the answer for {}s: it is not whole", limit.as_secs())]
    Left { limit: Duration },
    #[error(
        "a defect of crawlspace has ended the query; the server goes on. The log tells where: please report it with the question"
    )]
    Broken,
    #[error(transparent)]
    Lake(#[from] crawlspace_lake::Error),
    #[error("{}", source.strip_backtrace())]
    Plan { source: DataFusionError },
    #[error("the query failed: {}", source.strip_backtrace())]
    Run { source: DataFusionError },
}

fn suggested(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(
        || ": no event has it; ask for the fields with SELECT * … LIMIT 1".to_owned(),
        |name| format!(": did you mean `{name}`?"),
    )
}

impl Error {
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Syntax { .. }
            | Self::UnknownField { .. }
            | Self::UnknownTable { .. }
            | Self::Request(_)
            | Self::Plan { .. }
            | Self::Left { .. }
            | Self::TimeLimit { .. } => ErrorKind::BadInput,
            Self::Broken => ErrorKind::Internal,
            Self::Busy { .. } | Self::WorkerStart { .. } => ErrorKind::Unavailable,
            Self::OverLimit { .. } | Self::WorkerMemory { .. } | Self::WorkerDied { .. } => {
                ErrorKind::TooLarge
            }
            Self::Told { kind, .. } => *kind,
            Self::Lake(error) => error.kind(),
            Self::Run { source } if is_unreachable(source) => ErrorKind::Unavailable,
            Self::Run { source } => match source.find_root() {
                DataFusionError::ResourcesExhausted(_) => ErrorKind::TooLarge,
                // A cast or a division that only the data could show to be impossible.
                DataFusionError::ArrowError(_, _) | DataFusionError::Execution(_) => {
                    ErrorKind::BadInput
                }
                _ => ErrorKind::Internal,
            },
        }
    }

    /// Whether stored data is perhaps damaged: it could not be read, and that may not pass.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        if let Self::Lake(source) = self {
            use crawlspace_lake::Error::{DataFusion, ObjectStore, Parquet};
            return matches!(source, DataFusion(_) | ObjectStore(_) | Parquet { .. })
                && !is_unreachable(source);
        }
        let Self::Run { source } = self else {
            return false;
        };
        if is_unreachable(source) {
            return false;
        }
        match source.find_root() {
            DataFusionError::ParquetError(_)
            | DataFusionError::ObjectStore(_)
            | DataFusionError::IoError(_)
            | DataFusionError::External(_) => true,
            DataFusionError::ArrowError(error, _) => matches!(
                error.as_ref(),
                ArrowError::ParquetError(_)
                    | ArrowError::ExternalError(_)
                    | ArrowError::IoError(_, _)
            ),
            _ => false,
        }
    }

    /// Where in the text of the query the error is: line and column, from 1.
    #[must_use]
    pub fn position(&self) -> Option<(u64, u64)> {
        match self {
            Self::Syntax { line, column, .. } => Some((*line, *column)),
            _ => None,
        }
    }

    /// The name that was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            Self::UnknownField { suggestion, .. } => suggestion.as_deref(),
            _ => None,
        }
    }

    /// An error of planning, with the nearest of the known names if it is about a field.
    pub(crate) fn planning<'a>(
        source: DataFusionError,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        match source.find_root() {
            DataFusionError::SchemaError(error, _) => match error.as_ref() {
                SchemaError::FieldNotFound { field, .. } => Self::unknown_field(&field.name, known),
                _ => Self::Plan { source },
            },
            _ => Self::Plan { source },
        }
    }

    pub(crate) fn unknown_field<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self::UnknownField {
            name: name.to_owned(),
            suggestion: nearest(name, known),
        }
    }
}

/// The known name nearest to one that is not known.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const LEAST_LIKENESS: f64 = 0.75;
    let likeness = |other: &str| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    known
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness >= LEAST_LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, other)| other.to_owned())
}
