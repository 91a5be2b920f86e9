//! `DuckDB` in a Python process of its own: the oracle, and the stranger who attaches to the
//! catalogue.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::server::setting;

/// The Python that has the clients and servers of others.
pub fn python_interpreter() -> String {
    installed("CRAWLSPACE_TEST_PYTHON")
}

/// A client script with its interpreter, ready for arguments.
pub fn python(script: &str) -> Command {
    let mut command = Command::new(python_interpreter());
    command.arg(client(script));
    command
}

/// The same for Node.
pub fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", node_modules()).arg(client(script));
    command
}

/// The libraries that Node's clients need.
pub fn node_modules() -> String {
    installed("CRAWLSPACE_TEST_NODE_MODULES")
}

fn client(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(script)
}

/// A place of client libraries.
pub fn installed(name: &str) -> String {
    setting(name).unwrap_or_else(|| {
        panic!("{name} is not set: run `cargo xtask test`, which installs the clients and sets it")
    })
}

pub struct Duck {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Duck {
    pub fn start() -> Self {
        let mut child = python("duck.py")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            questions: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// A fresh process with the catalogue of a data directory attached as `lake`.
    pub fn attached(data: &Path) -> Self {
        let mut duck = Self::start();
        duck.attach(data);
        duck
    }

    pub fn attach(&mut self, data: &Path) {
        let catalogue = data.join("lake/catalogue.sqlite");
        let catalogue = catalogue.display();
        self.rows(&format!(
            "ATTACH 'ducklake:sqlite:{catalogue}' AS lake (READ_ONLY)"
        ));
    }

    pub fn rows(&mut self, sql: &str) -> Vec<Vec<Value>> {
        writeln!(self.questions, "{}", json!({ "sql": sql })).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).expect("DuckDB's process has ended");
        assert!(
            answer["error"].is_null(),
            "{sql}\n{}",
            answer["error"].as_str().unwrap()
        );
        serde_json::from_value(answer["rows"].take()).unwrap()
    }

    pub fn number(&mut self, sql: &str) -> i64 {
        self.rows(sql)[0][0].as_i64().unwrap()
    }
}

impl Drop for Duck {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
