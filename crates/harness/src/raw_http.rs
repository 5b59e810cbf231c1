//! A question to the mock's Profile API without any client of ours: what a package is held against.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use segment_mock::MockSegment;
use serde_json::Value;

/// Every record of one collection, page by page.
pub(crate) fn records(mock: &MockSegment, email: &str, collection: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let page = profile(mock, email, &format!("{collection}?limit=20{next}"))?;
        ensure!(page["data"].is_array() || page["data"].is_null(), "no page: {page}");
        all.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["cursor"]["next"].as_str().filter(|next| !next.is_empty()) {
            Some(cursor) => next = format!("&next={cursor}"),
            None => return Ok(all),
        }
    }
}

/// Asks for one resource of the profile with this e-mail address, `query` included.
pub(crate) fn profile(mock: &MockSegment, email: &str, resource: &str) -> Result<Value> {
    let host = mock.url().replace("http://", "");
    let email = email.to_lowercase().replace('+', "%2B");
    let path = format!("/v1/spaces/{}/collections/users/profiles/email:{email}/{resource}", mock.space_id());
    let token = STANDARD.encode(format!("{}:", mock.profile_token()));
    let mut stream = TcpStream::connect(&host)?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic {token}\r\nconnection: close\r\n\r\n")
            .as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    serde_json::from_str(body).with_context(|| format!("no JSON: {answer}"))
}
