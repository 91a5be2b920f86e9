//! Connections that take a place and give nothing: silent ones, and heads that never end. They are cut off, and others are
//! served meanwhile.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::amount;
use crate::otlp::{plain_spans, request};
use crate::server::{Server, new_data_directory, poll};

/// The limit is 15 s; machines are slow at times.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(60);

/// More than a head may have.
const HEAD_BYTES: usize = 128 << 10;

#[test]
fn connections_that_send_nothing_or_for_ever_are_cut_off_and_others_served() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let address = server.otlp_http().strip_prefix("http://").unwrap();
    let beginnings: [&[u8]; 4] = [
        b"",
        b"PRI * HTTP/2.0\r\n",
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\n",
        b"P",
    ];
    let began = Instant::now();
    let mut lines: Vec<TcpStream> = (0..amount(200, 2_000))
        .zip(beginnings.iter().cycle())
        .map(|(_, beginning)| {
            let mut line = TcpStream::connect(address).unwrap();
            line.write_all(beginning).unwrap();
            line.set_read_timeout(Some(CUT_OFF_WITHIN)).unwrap();
            line
        })
        .collect();
    for number in 0..20 {
        server.send(request("meanwhile", plain_spans(number + 1, 1)));
    }
    for line in &mut lines {
        let mut rest = Vec::new();
        match line.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "not cut off"),
        }
    }
    eprintln!(
        "{} connections cut off within {:?}",
        lines.len(),
        began.elapsed()
    );
    let mut endless = TcpStream::connect(address).unwrap();
    endless
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx: ")
        .unwrap();
    // The answer may come before all of it is taken.
    _ = endless.write_all(&vec![b'x'; HEAD_BYTES]);
    let mut answer = [0; 12];
    endless.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
    let is_counted = || {
        let metrics = server.get("/metrics").text().unwrap();
        metrics.contains("\ncrawlspace_connections_broken_total{reason=\"head\"} 1\n")
    };
    assert!(poll(CUT_OFF_WITHIN, is_counted), "the head is not counted");
    let metrics = server.get("/metrics").text().unwrap();
    let silent = format!("\ncrawlspace_connections_silent_total {}\n", lines.len());
    assert!(metrics.contains(&silent), "{metrics}");
    assert_eq!(server.number("SELECT count(*) FROM spans"), 20);
    server.stop();
}
