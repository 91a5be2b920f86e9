//! What is asked, and the forms in which it is answered.

mod apart;
mod exam;
mod fields;
mod otlp_out;
mod outline;
mod streaming;
mod tail;
