//! A bucket on an S3 server of its own, behind a line that can be cut: what a store far away is like.

use std::io::Read as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::duck::python_interpreter;
use crate::server::poll;

const NAME: &str = "telemetry";
const READY_WITHIN: Duration = Duration::from_secs(60);

pub struct Bucket {
    server: Child,
    line: Arc<Line>,
    address: String,
    client: reqwest::blocking::Client,
}

/// Connections from the program to the S3 server.
struct Line {
    is_cut: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
}

impl Bucket {
    pub fn start() -> Self {
        let port = free_port();
        let server = Command::new(python_interpreter())
            .args(["-m", "moto.server", "--host", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let line = Arc::new(Line {
            is_cut: AtomicBool::new(false),
            ends: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn({
            let line = Arc::clone(&line);
            move || line.serve(&listener, port)
        });
        let client = reqwest::blocking::Client::builder()
            .no_proxy()
            .build()
            .unwrap();
        let bucket = Self {
            server,
            line,
            address,
            client,
        };
        let made = || {
            let answer = bucket.client.put(bucket.url("")).send();
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        assert!(poll(READY_WITHIN, made), "the S3 server does not start");
        bucket
    }

    /// What makes a server keep its parts here, below that prefix.
    pub fn flags(&self, prefix: &str) -> Vec<String> {
        [
            "--store",
            &format!("s3://{NAME}/{prefix}"),
            "--store-endpoint",
            &self.address,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// Keys of all objects, as XML.
    pub fn listing(&self) -> String {
        let answer = self.client.get(self.url("?list-type=2")).send().unwrap();
        answer.text().unwrap()
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/{NAME}{rest}", self.address)
    }

    /// From now on the server can't be reached.
    pub fn cut(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
        for end in self.line.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.line.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Line {
    fn serve(&self, listener: &TcpListener, port: u16) {
        for near in listener.incoming() {
            let far = TcpStream::connect(("127.0.0.1", port));
            let (Ok(near), Ok(far)) = (near, far) else {
                continue;
            };
            if self.is_cut.load(Ordering::SeqCst) {
                continue;
            }
            let mut ends = self.ends.lock().unwrap();
            ends.retain(|end| end.peer_addr().is_ok());
            for (from, to) in [(&near, &far), (&far, &near)] {
                ends.push(from.try_clone().unwrap());
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || pass_on(from, to));
            }
        }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from.by_ref(), &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
