//! `serve` as a client sees it: over loopback, with tokens that the command line made.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use crate::{
    assert::until,
    process::{Run, Running},
    rig::Rig,
};

/// Every scope.
pub(crate) const SCOPES: [&str; 5] = ["read", "submit", "review", "package", "admin"];

/// A service that runs. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Served {
    running: Running,
    url: String,
    token: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// One of several calls at once.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: Value,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
}

/// What it answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Served {
    /// Starts it on a free port, with a token of every scope at hand.
    pub(crate) fn start(rig: &Rig) -> Result<Self> {
        let token = token(rig, "everything", &SCOPES)?;
        Self::start_with(rig, token, &["serve", "--listen", "127.0.0.1:0"])
    }

    /// The same without its log, for figures.
    pub(crate) fn start_quietly(rig: &Rig, token: String) -> Result<Self> {
        Self::of(rig.quiet_call(&["serve", "--listen", "127.0.0.1:0"]).start()?, token)
    }

    pub(crate) fn start_with(rig: &Rig, token: String, args: &[&str]) -> Result<Self> {
        Self::of(rig.start(args)?, token)
    }

    fn of(running: Running, token: String) -> Result<Self> {
        running.tells("serving http", 1)?;
        let told = running.told();
        let url =
            told.split("serving ").nth(1).and_then(|rest| rest.split(';').next()).context("it tells no address")?;
        let (url, runtime) = (url.to_owned(), tokio::runtime::Builder::new_multi_thread().enable_all().build()?);
        // Its certificate, where it has one, is made for the rehearsal.
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(true);
        let client = client.timeout(Duration::from_mins(1)).build()?;
        Ok(Self { running, url, token, client, runtime })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// `host:port`.
    pub(crate) fn host(&self) -> &str {
        self.url.split("://").nth(1).unwrap_or_default()
    }

    /// Calls with the token of every scope.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.call_with(method, path, body, &[("authorization", &format!("Bearer {}", self.token))])
    }

    /// Calls with exactly these headers.
    pub(crate) fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        self.runtime.block_on(self.answer(method, path, body, headers))
    }

    /// Sends a form, and follows nothing.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Result<Answer> {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.runtime.block_on(async {
            let mut request = self.client.post(format!("{}{path}", self.url)).body(body.join("&"));
            request = request.header("content-type", "application/x-www-form-urlencoded");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            Answer::read(request.send().await?).await
        })
    }

    /// Makes these calls at once.
    pub(crate) fn at_once(&self, calls: &[Call<'_>]) -> Result<Vec<Answer>> {
        let all = calls.iter().map(|call| self.answer(call.method, call.path, Some(&call.body), &call.headers));
        self.runtime.block_on(futures_util::future::try_join_all(all))
    }

    async fn answer(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.client.request(Method::from_bytes(method.as_bytes())?, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.with_context(|| format!("{method} {path}"))?;
        Answer::read(answer).await
    }

    /// Sends bytes as they are, and reads until the service closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<String> {
        let mut stream = TcpStream::connect(self.host())?;
        stream.set_read_timeout(Some(Duration::from_secs(50)))?;
        // It may be closed in the middle.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                bail!("the service keeps the connection open")
            }
            _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
        }
    }

    /// The same while somebody is in the middle of a call, which goes on when nobody else is let in any more.
    pub(crate) fn stop_during(self, goes_on: impl FnOnce() -> Result<()>) -> Result<Run> {
        self.running.signal(Signal::SIGTERM)?;
        until("it lets nobody in", || TcpStream::connect(self.host()).is_err())?;
        goes_on()?;
        let run = self.running.wait()?;
        run.exits(0)?;
        Ok(run)
    }

    /// Ends it as an orchestrator does.
    pub(crate) fn stop(self) -> Result<Run> {
        self.running.signal(Signal::SIGTERM)?;
        let run = self.running.wait()?;
        run.exits(0)?;
        Ok(run)
    }
}

/// Makes a token by the command line.
pub(crate) fn token(rig: &Rig, name: &str, scopes: &[&str]) -> Result<String> {
    let mut args = vec!["token", "create", "--name", name];
    args.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let run = rig.run(&args)?;
    run.exits(0)?;
    run.text("/token")
}

impl Answer {
    async fn read(answer: reqwest::Response) -> Result<Self> {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Self { status, headers, bytes: answer.bytes().await?.to_vec() })
    }

    pub(crate) fn is(&self, status: u16) -> Result<&Self> {
        ensure!(self.status == status, "it answered {}, not {status}: {}", self.status, self.text());
        Ok(self)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.bytes).with_context(|| format!("not JSON: {}", self.text()))
    }

    /// A value in it.
    pub(crate) fn at(&self, pointer: &str) -> Result<Value> {
        let json = self.json()?;
        json.pointer(pointer).cloned().with_context(|| format!("no {pointer} in {json}"))
    }

    /// A text in it.
    pub(crate) fn text_at(&self, pointer: &str) -> Result<String> {
        self.at(pointer)?.as_str().map(str::to_owned).with_context(|| format!("{pointer} is no text"))
    }

    /// It is a problem with this code.
    pub(crate) fn refuses(&self, status: u16, code: &str) -> Result<()> {
        self.is(status)?;
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        ensure!(kind == "application/problem+json", "it is {kind}");
        ensure!(self.text_at("/code")? == code, "it refuses otherwise: {}", self.text());
        Ok(())
    }
}
