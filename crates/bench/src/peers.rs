//! The best figures of other stores on the same million spans, measured November 2026 on two contended virtual cores.
//! Each line may come from a different store: there is none that has them all.

/// `None`: no peer was measured.
pub struct Best {
    pub wall: Option<&'static str>,
    pub cpu: Option<&'static str>,
    pub store: &'static str,
}

pub const NONE: Best = best(None, None, "");

pub const INGEST_CPU: &str = "46–56 (VictoriaTraces, ClickHouse)";
pub const INGEST_RATE: &str = "9,500–13,000 (VictoriaTraces)";
pub const PEAK_MEMORY: &str = "348 (VictoriaTraces)";
pub const BYTES_PER_SPAN: &str = "111 (VictoriaTraces)";

pub const TRACE_BY_ID: Best = best(Some("14 / 46"), Some("12"), "VictoriaTraces");
pub const BY_SERVICE: Best = best(Some("101"), Some("28"), "ClickHouse");
pub const BY_NAME: Best = best(Some("57"), Some("34"), "ClickHouse");
pub const BY_TENANT: Best = best(Some("800"), Some("370"), "DuckDB");
pub const ONE_USER: Best = best(Some("20"), None, "VictoriaTraces");
pub const SLOW_IN_SERVICE: Best = best(Some("24"), None, "ClickHouse");
pub const STATUS_500: Best = best(Some("22–32"), None, "Tempo");

const fn best(wall: Option<&'static str>, cpu: Option<&'static str>, store: &'static str) -> Best {
    Best { wall, cpu, store }
}
