//! What is asked, and the forms in which it is answered.

mod otlp_out;
mod streaming;
