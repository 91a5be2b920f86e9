//! The corpus on disk while it is loaded: a million spans are 800 MB, and making them takes the time of a core.
//! A frame is three lengths (times, body, spans), the times' positions, and the body; little-endian.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::corpus::Request;

/// Writes all requests to a new file; returns the bytes of their bodies.
pub fn write(path: &Path, requests: impl Iterator<Item = Request>) -> Result<u64> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let mut bytes = 0;
    for request in requests {
        let lengths = [
            request.times.len() as u32,
            request.body.len() as u32,
            request.spans,
        ];
        for number in lengths.iter().chain(&request.times) {
            file.write_all(&number.to_le_bytes())?;
        }
        file.write_all(&request.body)?;
        bytes += request.body.len() as u64;
    }
    file.flush()?;
    Ok(bytes)
}

pub struct CorpusFile(BufReader<File>);

impl CorpusFile {
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        Ok(Self(BufReader::with_capacity(1 << 20, file)))
    }

    /// The next request; none at the end.
    pub fn read(&mut self) -> std::io::Result<Option<Request>> {
        let times_length = match self.number() {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            length => length?,
        };
        let mut body = vec![0; self.number()? as usize];
        let spans = self.number()?;
        let times = (0..times_length).map(|_| self.number());
        let times = times.collect::<std::io::Result<Vec<u32>>>()?;
        self.0.read_exact(&mut body)?;
        Ok(Some(Request { body, spans, times }))
    }

    fn number(&mut self) -> std::io::Result<u32> {
        let mut bytes = [0; 4];
        self.0.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{CorpusFile, write};
    use crate::corpus::{Corpus, Request, Shape};

    #[test]
    fn a_written_corpus_reads_back_equal() {
        let path = std::env::temp_dir().join(format!("corpus-file-{}", std::process::id()));
        let made: Vec<Request> = Corpus::new(7, Shape::Sdk, 1_000).collect();
        let bytes = write(&path, Corpus::new(7, Shape::Sdk, 1_000)).unwrap();
        let mut file = CorpusFile::open(&path).unwrap();
        let mut read = Vec::new();
        while let Some(request) = file.read().unwrap() {
            read.push(request);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            bytes,
            made.iter()
                .map(|request| request.body.len() as u64)
                .sum::<u64>()
        );
        assert_eq!(read, made);
    }
}
