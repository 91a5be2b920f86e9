//! The read path: SQL and the query API, both one DataFusion plan over one snapshot of the lake. Reads only; knows
//! nothing of HTTP.

mod attribute;
mod engine;
mod error;
mod fields;
mod functions;
mod guard;
mod identifiers;
mod planner;
mod records;
mod request;

mod table;
mod tail;
mod trace;

pub use crawlspace_lake::{ABSENT, Chunk, Snapshot, Values};
pub use engine::answer::{Answer, Footer};
pub use engine::apart::{SCANS_MAX, WorkerConfig, WorkerStatistics, run_when_idle, work};
pub use engine::coded::{CodedPiece, CodedScan, Group, GroupField};
pub use engine::running::{Piece, Running};
pub use engine::scan::{Condition, Scan, Scanning};
pub use engine::{Asking, Config, Engine, Stored};
pub use error::Error;
pub use fields::{Field, FieldDetail, Fields};
pub use guard::{JOINS_MAX, OPERATORS_MAX, SET_OPERATIONS_MAX, TEXT_BYTES_MAX, TOKENS_MAX};
pub use records::Records;
pub use request::{
    Fill, QueryRequest, REACH_NANOS, Range, parse_duration, parse_time, time_conditions,
};
pub use tail::{Glimpse, Tail};
pub use trace::{
    LogRecord, OutlineEvents, OutlineLogs, OutlineSpans, Span, SpanEvent, Trace, TraceOutline,
    TraceRecords,
};

#[cfg(test)]
mod tests;
