//! HTTP/1.1 over one kept-alive connection: enough for the benchmark, and cheap enough not to be what is measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Compaction of millions of spans answers only when it is done.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1_800);

pub struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body, when the status is a success.
    pub fn success(self) -> Result<Vec<u8>> {
        let text = String::from_utf8_lossy(&self.body);
        ensure!(self.status / 100 == 2, "status {}: {text}", self.status);
        Ok(self.body)
    }
}

impl Connection {
    /// Connects to `address`, which is `host:port`.
    pub fn open(address: &str) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self {
            address: address.to_owned(),
            stream: BufReader::with_capacity(1 << 16, stream),
        })
    }

    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.exchange("GET", path, "Accept: application/json\r\n", &[])
    }

    /// `headers` are whole lines, each with its line end.
    pub fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Result<Answer> {
        self.exchange("POST", path, headers, body)
    }

    fn exchange(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<Answer> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{headers}\r\n",
            self.address,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        read_answer(&mut self.stream).with_context(|| format!("{method} {path}"))
    }
}

fn read_answer(stream: &mut impl BufRead) -> Result<Answer> {
    let line = read_line(stream)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("no status in `{line}`"))?;
    let mut length = None;
    let mut chunked = false;
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(':') else {
            ensure!(line.is_empty(), "no header: `{line}`");
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<usize>()?),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let body = match length {
        _ if chunked => read_chunks(stream)?,
        Some(length) => read_bytes(stream, length)?,
        None if status == 204 => Vec::new(),
        None => bail!("an answer of unknown length"),
    };
    Ok(Answer { status, body })
}

fn read_chunks(stream: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).with_context(|| format!("chunk `{line}`"))?;
        if size == 0 {
            // Trailers end with an empty line.
            while !read_line(stream)?.is_empty() {}
            return Ok(body);
        }
        body.extend(read_bytes(stream, size)?);
        read_line(stream)?;
    }
}

fn read_bytes(stream: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A line without its end.
fn read_line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    ensure!(
        stream.read_line(&mut line)? > 0,
        "the server closed the connection"
    );
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::read_answer;

    fn check(mut bytes: &[u8], status: u16, body: &str) {
        let answer = read_answer(&mut bytes).unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (status, body.as_bytes())
        );
        assert!(
            bytes.is_empty(),
            "the next answer would start in the middle"
        );
    }

    #[test]
    fn answers_end_where_their_length_or_last_chunk_says() {
        check(
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
            200,
            "abc",
        );
        check(b"HTTP/1.1 204 No Content\r\n\r\n", 204, "");
        check(
            b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
            400,
            "abc0123456789",
        );
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        assert!(read_answer(&mut &b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab"[..]).is_err());
        assert!(read_answer(&mut &b""[..]).is_err());
    }
}
