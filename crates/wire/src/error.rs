//! Why a whole request could not be decoded. A bad record among good ones is no error: see
//! `Decoded::rejected`.

use crawlspace_model::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the body has {bytes} bytes, the limit is {limit}: send fewer records per request")]
    Body { bytes: usize, limit: usize },
    #[error(
        "the body of {compressed} bytes decompresses to more than {limit} bytes: send fewer records per request"
    )]
    Decompressed { compressed: usize, limit: usize },
    #[error("there is no room for the decompressed body now")]
    NotAdmitted,
    #[error("the body is not valid {encoding}: {source}")]
    Compression {
        encoding: &'static str,
        source: std::io::Error,
    },
    #[error("the body is not a protobuf `{message}`: {what} at byte {at}")]
    Protobuf {
        message: &'static str,
        what: &'static str,
        at: usize,
    },
    #[error("the body is not JSON: {expected} at byte {at}")]
    Json { at: usize, expected: &'static str },
    #[error("the body is not an OTLP request in JSON: {flaw}")]
    Request { flaw: String },
    #[error("the request decodes to more than {limit} bytes: send fewer records per request")]
    Decoded { limit: usize },
}

impl Error {
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Compression { .. }
            | Self::Protobuf { .. }
            | Self::Json { .. }
            | Self::Request { .. } => ErrorKind::BadInput,
            Self::Body { .. } | Self::Decompressed { .. } | Self::Decoded { .. } => {
                ErrorKind::TooLarge
            }
            Self::NotAdmitted => ErrorKind::Unavailable,
        }
    }
}
