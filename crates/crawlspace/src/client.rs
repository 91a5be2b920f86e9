//! The HTTP client of the commands that ask a server: where it is, who asks, and what refusals mean.

use std::path::Path;
use std::time::Duration;

use crawlspace_control::Secret;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::config::ServerArguments;
use crate::data_dir;
use crate::failure::Failure;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// A server, not yet connected to.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    server: String,
    key: Option<Secret>,
}

impl Client {
    pub fn new(arguments: &ServerArguments) -> Result<Self, Failure> {
        let key = arguments.key.clone();
        let server = match &arguments.data_dir {
            Some(path) => address_in(path)?,
            None => arguments.server.trim_end_matches('/').to_owned(),
        };
        if server.starts_with("https://") {
            return Err(Failure::Usage(format!(
                "--server {server}: this program speaks HTTP only; reach that server by a tunnel or a proxy \
                 on this machine, for example `ssh -L 4320:127.0.0.1:4320 HOST`"
            )));
        }
        if !server.starts_with("http://") {
            return Err(Failure::Usage(format!(
                "--server {server} is not a URL: write it like http://127.0.0.1:4320"
            )));
        }
        // Without proxies: the server is usually this machine.
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            .no_proxy()
            .build()
            .map_err(anyhow::Error::from)?;
        Ok(Self { http, server, key })
    }

    /// Its URL, without a slash at the end.
    pub fn server(&self) -> &str {
        &self.server
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// With those parameters that there are.
    pub fn get_with(&self, path: &str, parameters: &[(&str, Option<&str>)]) -> RequestBuilder {
        self.get(&path_with(path, parameters))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.server));
        match &self.key {
            // Marked as sensitive, and so shown nowhere.
            Some(key) => request.bearer_auth(key.expose().trim()),
            None => request,
        }
    }

    /// The answer's head, whatever its status.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    /// The answer, if it is one. `text` is what a position in a refusal refers to.
    pub async fn answer(
        &self,
        request: RequestBuilder,
        text: Option<&str>,
    ) -> Result<Response, Failure> {
        let response = self.send(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.body(response).await?;
        Err(self.failure(status, refusal(&body, text)))
    }

    /// Posts a question, or gets where there is none, and reads the whole answer.
    pub async fn ask(
        &self,
        path: &str,
        question: Option<&Value>,
        text: Option<&str>,
    ) -> Result<Vec<u8>, Failure> {
        let request = match question {
            Some(question) => self.post(path).json(question),
            None => self.get(path),
        };
        let response = self.answer(request, text).await?;
        self.body(response).await
    }

    pub async fn body(&self, response: Response) -> Result<Vec<u8>, Failure> {
        let body = response.bytes().await;
        let body = body.map_err(|error| self.unreachable(&error))?;
        Ok(body.to_vec())
    }

    /// What a refusal means for whoever asked.
    pub fn failure(&self, status: StatusCode, detail: String) -> Failure {
        let server = &self.server;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::NotAllowed(detail),
            StatusCode::TOO_MANY_REQUESTS => {
                Failure::Trouble(anyhow::anyhow!("{server} is busy: {detail}"))
            }
            _ if status.is_client_error() => Failure::Wrong(detail),
            _ => Failure::Trouble(anyhow::anyhow!("{server} answered {status}: {detail}")),
        }
    }

    pub fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| {
            error.source()
        });
        let cause = causes.last().map(ToString::to_string).unwrap_or_default();
        let server = &self.server;
        Failure::Unreachable(if error.is_connect() || error.is_request() {
            format!(
                "no answer from {server} ({cause}): start one with `crawlspace serve`, \
                 or name another with --server"
            )
        } else {
            format!("the answer from {server} broke off ({cause}): ask again")
        })
    }
}

fn address_in(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    match data_dir::running_at(path) {
        Ok(address) => Ok(format!("http://{address}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::Unreachable(format!(
                "no server runs on data directory `{shown}`: start one with `crawlspace serve --data-dir {shown}`"
            )))
        }
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("data directory `{shown}` can't be read"))
            .into()),
    }
}

/// A path with those parameters that there are.
pub fn path_with(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter();
    let given = given.filter_map(|(name, value)| Some(format!("{name}={}", encoded((*value)?))));
    let given: Vec<String> = given.collect();
    format!("{path}?{}", given.join("&"))
}

/// A text as one segment of a path, or as one value of its parameters (RFC 3986, 2.1).
pub fn encoded(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte));
            }
            byte => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// The members of an RFC 9457 body that are shown.
#[derive(Deserialize)]
struct Problem {
    detail: String,
    line: Option<usize>,
    column: Option<usize>,
}

/// The server's sentence, with a mark below the place in `text` that it is about.
pub fn refusal(body: &[u8], text: Option<&str>) -> String {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let (Some(line), Some(column)) = (problem.line, problem.column) else {
        return problem.detail;
    };
    let Some(source) = text.and_then(|text| text.lines().nth(line.saturating_sub(1))) else {
        return problem.detail;
    };
    let indent = " ".repeat(column.saturating_sub(1).min(source.chars().count()));
    format!("{}\n  {source}\n  {indent}^", problem.detail)
}

#[cfg(test)]
mod tests {
    use super::{encoded, refusal};

    #[test]
    fn parameters_are_encoded() {
        assert_eq!(encoded("a.b = 'é/?'"), "a.b%20%3D%20%27%C3%A9%2F%3F%27");
    }

    #[test]
    fn a_refusal_marks_its_place_in_the_text() {
        let problem =
            br#"{"title":"Bad Request","detail":"unexpected `FORM`","line":2,"column":3}"#;
        assert_eq!(
            refusal(problem, Some("SELECT *\n  FORM spans")),
            "unexpected `FORM`\n    FORM spans\n    ^"
        );
        assert_eq!(refusal(problem, Some("one line")), "unexpected `FORM`");
        assert_eq!(
            refusal(br#"{"detail":"no such trace"}"#, None),
            "no such trace"
        );
        assert_eq!(refusal(b"bad gateway", None), "bad gateway");
    }
}
