//! A bucket on an S3 server of its own, behind a line that can be cut: what a store far away is like.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};

use crate::duck::python_interpreter;
use crate::server::poll;

const NAME: &str = "telemetry";
const READY_WITHIN: Duration = Duration::from_secs(120);

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
        let mut server = Command::new(python_interpreter())
            .args(["-m", "moto.server", "--host", "127.0.0.1", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let port = port_of(server.stderr.take().unwrap());
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
        // Who asks does not matter, as long as it is somebody.
        let somebody = HeaderValue::from_static("AWS test:test");
        let client = reqwest::blocking::Client::builder()
            .default_headers([(AUTHORIZATION, somebody)].into_iter().collect())
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

    /// Keys of all objects that begin so.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let url = self.url(&format!("?list-type=2&prefix={prefix}"));
        let listing = self.client.get(url).send().unwrap().text().unwrap();
        let keys = listing.split("<Key>").skip(1);
        keys.map(|rest| rest.split("</Key>").next().unwrap().to_owned())
            .collect()
    }

    pub fn read(&self, key: &str) -> Vec<u8> {
        let answer = self.client.get(self.url(&format!("/{key}"))).send();
        let answer = answer.unwrap().error_for_status().unwrap();
        answer.bytes().unwrap().to_vec()
    }

    pub fn write(&self, key: &str, bytes: Vec<u8>) {
        let put = self.client.put(self.url(&format!("/{key}"))).body(bytes);
        put.send().unwrap().error_for_status().unwrap();
    }

    pub fn remove(&self, key: &str) {
        let delete = self.client.delete(self.url(&format!("/{key}"))).send();
        delete.unwrap().error_for_status().unwrap();
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/{NAME}{rest}", self.address)
    }

    /// From now on the server can't be reached.
    pub fn cut(&self) {
        let mut ends = self.line.ends.lock().unwrap();
        self.line.is_cut.store(true, Ordering::SeqCst);
        for end in ends.drain(..) {
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
            // Looked at in turn with the cut, else a connection could come through it.
            let mut ends = self.ends.lock().unwrap();
            if self.is_cut.load(Ordering::SeqCst) {
                continue;
            }
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

/// Where the server listens, as it tells; what else it says is read and dropped.
fn port_of(log: ChildStderr) -> u16 {
    const TOLD: &str = "Running on http://127.0.0.1:";
    let (sender, port) = sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some((_, port)) = line.split_once(TOLD) {
                let _ = sender.try_send(port.trim().parse().unwrap());
            }
        }
    });
    let port = port.recv_timeout(READY_WITHIN);
    port.expect("the S3 server does not start")
}
