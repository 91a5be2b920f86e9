//! The read path: SQL and the query API, both one DataFusion plan over one snapshot of the lake. Reads only; knows
//! nothing of HTTP.

mod attribute;
mod calculation;
mod engine;
mod error;
mod functions;
mod guard;
mod identifiers;
mod planner;
mod records;
mod request;
mod table;
mod trace;

pub use engine::answer::{Answer, Footer};
pub use engine::running::{Piece, Running};
pub use engine::{Asking, Config, Engine};
pub use error::Error;
pub use records::Records;
pub use request::{QueryRequest, Range, parse_duration};
pub use trace::{Span, SpanEvent, Trace, TraceRecords};

#[cfg(test)]
mod tests;
