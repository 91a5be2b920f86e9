//! What the guide shows, done as it stands there.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{PROGRAM, shop};
use crate::duck::{node_modules, python_interpreter};
use crate::otlp::now;
use crate::server::{Server, new_data_directory};

/// The metric that the guide asks about.
fn send_durations(server: &Server) {
    let point = json!({
        "timeUnixNano": now().to_string(), "count": "2", "sum": 0.5, "explicitBounds": [1], "bucketCounts": ["2", "0"],
        "attributes": [{"key": "http.route", "value": {"stringValue": "/orders"}}]
    });
    let histogram = json!({"aggregationTemporality": 2, "dataPoints": [point]});
    let metric =
        json!({"name": "http.server.request.duration", "unit": "s", "histogram": histogram});
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    let taken = server.post("/v1/metrics").json(&request).send().unwrap();
    assert_eq!(taken.text().unwrap(), "{}");
}

fn page_of_guide(name: &str) -> String {
    std::fs::read_to_string(format!("../../docs/guide/{name}.md")).unwrap()
}

/// What it printed.
fn run_in_shell(server: &Server, home: &Path, script: &str) -> String {
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    let output = Command::new("sh")
        .args(["-ec", &format!("export PATH={programs}:$PATH\n{script}")])
        .env("CRAWLSPACE_SERVER", server.http())
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}\n{output:?}");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    // curl ends well with a refusal, too.
    assert!(!answer.contains("\"status\":4"), "{script}\n{answer}");
    answer
}

/// What the guide shows runs as it stands, but for what needs another machine, never ends, or stops the server.
#[test]
fn commands_of_the_guide_run() {
    const NOT_HERE: [&str; 6] = [
        "crawlspace tail",
        "crawlspace import",
        "-sN",
        "/v1/logs",
        "http://other",
        "question.sql",
    ];
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    shop(&server);
    send_durations(&server);
    let mut run = 0;
    for page in [
        "ask",
        "compare",
        "map",
        "who",
        "odd",
        "move",
        "missing-data",
        "together",
    ] {
        let text = page_of_guide(page);
        for block in text.split("```sh\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            if NOT_HERE.iter().any(|part| block.contains(part)) {
                continue;
            }
            let script = block.replace("http://127.0.0.1:4320", server.http());
            run_in_shell(&server, home.path(), &script);
            run += 1;
        }
    }
    assert!(run >= 15, "only {run} blocks were run");
    server.stop();
}

/// The first block of a language below a heading.
fn block(page: &str, heading: &str, language: &str) -> String {
    let (_, below) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, block) = below.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn what_the_guide_sends_arrives() {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    let page = page_of_guide("send");
    let here = |text: String| text.replace("http://127.0.0.1:4318", server.otlp_http());
    let variables = here(block(&page, "Environment variables", "sh"));
    let programs = [
        ("Python", "python", python_interpreter(), String::new()),
        ("Node", "js", "node".to_owned(), node_modules()),
    ];
    let mut sent = 0;
    for (heading, language, program, libraries) in programs {
        let file = home.path().join(format!("app.{language}"));
        std::fs::write(&file, block(&page, heading, language)).unwrap();
        let script = format!(
            "{variables}\nexport NODE_PATH={libraries}\n{program} {}",
            file.display()
        );
        run_in_shell(&server, home.path(), &script);
        let found = server.sql(
            "SELECT service.name, name, tenant.id, scope.name, count(*) FROM spans GROUP BY 1, 2, 3, 4",
        );
        let expected = ["shop", "work", "acme", "app"].map(serde_json::Value::from);
        assert_eq!(found.rows[0][..4], expected, "{heading}");
        sent += 1;
        assert_eq!(found.rows[0][4], sent, "{heading}");
        assert_eq!(found.rows.len(), 1, "{heading}");
    }
    let answer = run_in_shell(&server, home.path(), &here(block(&page, "By hand", "sh")));
    assert_eq!(answer, "{}");
    let sql = "SELECT service.name, severity_text, body FROM logs";
    let expected = [json!("cron"), json!("INFO"), json!("backup done")];
    assert_eq!(server.sql(sql).rows, [expected]);

    let ask = block(&page, "Is it arriving?", "sh");
    let ask = ask.replace("crawlspace tail\n", "");
    let shown = run_in_shell(&server, home.path(), &ask);
    for part in ["shop", "3 records received = 3 stored"] {
        assert!(shown.contains(part), "{shown}");
    }
    server.stop();
}

/// Each question that `--help` gives as an example is one that a server answers.
#[test]
fn examples_of_help_run() {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    shop(&server);
    let mut run = 0;
    for command in ["sql", "query", "fields", "ledger"] {
        let help = run_in_shell(
            &server,
            home.path(),
            &format!("crawlspace {command} --help"),
        );
        let (_, examples) = help.split_once("\nExamples:\n").unwrap();
        let examples = examples.lines().map(str::trim);
        // One asks what is in a file that people have of their own.
        for example in examples.filter(|line| line.starts_with("crawlspace") && !line.contains('<'))
        {
            let shown = run_in_shell(&server, home.path(), example);
            assert!(!shown.is_empty(), "{example}");
            run += 1;
        }
    }
    assert!(run >= 14, "only {run} examples were run");
    server.stop();
}
