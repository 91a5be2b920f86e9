//! The read path: SQL and the query API, both one DataFusion plan over one snapshot of the lake. Reads only; knows
//! nothing of HTTP.

mod answer;
mod attribute;
mod calculation;
mod engine;
mod error;
mod functions;
mod guard;
mod identifiers;
mod planner;
mod request;
mod running;
mod table;
mod trace;
mod turns;

pub use answer::{Answer, Footer};
pub use engine::{Asking, Config, Engine};
pub use error::Error;
pub use request::{QueryRequest, Range, parse_duration};
pub use running::{Piece, Running};
pub use trace::{Span, SpanEvent, Trace};

#[cfg(test)]
mod tests;
