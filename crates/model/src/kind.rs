//! What a caller should do about an error. Each crate's `Error::kind` answers with one of these; `api` maps them to HTTP.

/// The reaction an error asks of its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is wrong and will stay wrong: change it.
    BadInput,
    /// The thing asked for does not exist.
    NotFound,
    /// Someone else may do this: ask them.
    Forbidden,
    /// The request is over a limit: make it smaller.
    TooLarge,
    /// Our trouble, for now: try again later, unchanged.
    Unavailable,
    /// Stored data is damaged or of a version this program does not know.
    Corrupt,
    /// A defect of ours.
    Internal,
}
