//! The HTTP service and those who call it badly: each call is refused in words, and nothing of it is recorded.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::service::{asks, is_first_column, is_well, listed};
use crate::{
    assert::same,
    context::Context,
    scenario::{Outcome, on_rig, scenarios},
    service::Served,
    setup::Setup,
};

scenarios! {
    /// bodies that are no JSON, too large, too many, of other types or with unknown keys are refused by name
    serve_bad_bodies,
    /// of several requests the good ones are taken, and each bad one says why
    serve_good_beside_bad,
    /// paths and headers that mean to be something else are nothing here
    serve_odd_paths_and_headers,
    /// a call that is under way when the service is told to stop comes to its end
    serve_ends_what_it_began,
    /// who sends slowly, or leaves in the middle, keeps nobody else
    serve_slow_callers,
}

const REQUESTS: &str = "/api/v1/privacy-request";

fn serve_bad_bodies(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let bearer = format!("Bearer {}", served.token());
        let many: Vec<_> = (0..51).map(|n| asks(&format!("p{n}@example.test"), "erasure")).collect();
        let person = "person-0001@example.test";
        let with = |name: &str, value: Value| {
            let mut one = asks(person, "erasure");
            one[name] = value;
            json!([one])
        };
        for (name, body, status, code) in [
            ("51 items", json!(many), 422, "wrong_number"),
            ("none", json!([]), 422, "wrong_number"),
            ("an object", asks(person, "erasure"), 422, "body_invalid"),
            ("a number", json!(7), 422, "body_invalid"),
            ("an unknown key", with("externl_id", json!("x")), 422, "body_invalid"),
            ("a number as policy", with("policy_key", json!(1)), 422, "body_invalid"),
            ("a text as identity", with("identity", json!(person)), 422, "body_invalid"),
            ("a number as identity", with("identity", json!({"user_id": 7})), 422, "body_invalid"),
            ("no moment", with("requested_at", json!("yesterday")), 422, "body_invalid"),
        ] {
            served.call("POST", REQUESTS, Some(&body))?.refuses(status, code).with_context(|| name.to_owned())?;
        }
        let raw = |kind: &str, body: &str| {
            let head = format!("POST {REQUESTS} HTTP/1.1\r\nhost: {}\r\nauthorization: {bearer}\r\n", served.host());
            served.raw(
                format!(
                    "{head}connection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .as_bytes(),
            )
        };
        let large = format!("[\"{}\"]", "x".repeat(2 * 1024 * 1024));
        for (kind, body, status) in [
            ("application/json", "[{\"identity\"", 400),
            ("application/json", "", 400),
            ("application/json", "\u{0}", 400),
            ("text/plain", "[]", 415),
            ("application/json", large.as_str(), 413),
        ] {
            let answer = raw(kind, body)?;
            ensure!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{status}: {}",
                answer.chars().take(400).collect::<String>()
            );
            ensure!(answer.contains("application/problem+json"), "{answer}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        ensure!(raw("application/json", &deep)?.starts_with("HTTP/1.1 422 "), "nested deeply");
        same("recorded", &listed(&served)?, &json!(0))?;
        rig.nothing_sent()?;
        is_well(&served, rig)?;
        served.stop().map(drop)
    })
}

fn serve_good_beside_bad(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().replace("require_approval = false", "require_approval = true"), |rig| {
        let served = Served::start(rig)?;
        let bad = |name: &str, value: Value| {
            let mut one = asks("person-0001@example.test", "erasure");
            one[name] = value;
            one
        };
        let body = json!([
            asks("person-0001@example.test", "erasure"),
            bad("policy_key", json!("default_consent_policy")),
            bad("identity", json!({})),
            bad("identity", json!({"email": "no address"})),
            bad("identity", json!({"E-Mail": "x"})),
            bad("external_id", json!(" ")),
            bad("requested_at", json!("2999-01-01T00:00:00Z")),
            bad("requested_at", json!("1999-01-01T00:00:00Z")),
            bad("encryption_key", json!("a long passphrase for nobody")),
            asks("person-0002@example.test", "erasure"),
        ]);
        let answer = served.call("POST", REQUESTS, Some(&body))?;
        answer.is(200)?;
        let failed = answer.at("/failed")?;
        let codes: Vec<_> = failed.as_array().into_iter().flatten().map(|one| one["code"].clone()).collect();
        let expected = [
            "policy_unknown",
            "identity_refused",
            "identity_refused",
            "identity_refused",
            "external_id_invalid",
            "requested_at_invalid",
            "requested_at_invalid",
            "recipient_refused",
        ];
        same("codes", &codes, &expected.map(Value::from).to_vec())?;
        ensure!(!failed.to_string().contains("passphrase for nobody"), "a secret comes back: {failed}");
        same("recorded", &listed(&served)?, &json!(2))?;
        let plan = served.call(
            "PUT",
            &format!("{REQUESTS}/preview"),
            Some(&json!([asks("person-0001@example.test", "access")])),
        )?;
        plan.refuses(422, "nothing_to_plan")?;
        served.stop().map(drop)
    })
}

fn serve_odd_paths_and_headers(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let get = |path: &str, more: &str| {
            let bearer = served.token();
            served.raw(
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {bearer}\r\n{more}\r\n")
                    .as_bytes(),
            )
        };
        for (path, status) in [
            ("/api/v1/privacy-request/..%2f..%2frecords.db", 404),
            ("/api/v1/privacy-request/../../key", 404),
            ("/docs/../key", 404),
            ("/docs/..%2fkey", 404),
            ("/docs/%2e%2e/key", 404),
            ("/api/v1/privacy-request/%00", 404),
            ("/api/v1/privacy-request/%ff", 404),
            ("/api/v1/privacy-request/person-0001@example.test", 404),
            ("/api/v1/connection/..%2f/test", 404),
            ("//api/v1/connection", 404),
            ("/api/v1/connection/", 404),
        ] {
            let answer = get(path, "")?;
            ensure!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
            ensure!(!answer.contains("person-0001"), "{path} comes back: {answer}");
        }
        let answer = get("/health", "x-request-id: a-1\r\n")?;
        ensure!(answer.contains("x-request-id: a-1\r\n"), "{answer}");
        for odd in ["a b", "a;b", "\"a\"", "a\u{e9}", "a\tset-cookie: x=y"] {
            let answer = get("/health", &format!("x-request-id: {odd}\r\n"))?;
            ensure!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains(odd), "{odd:?}: {answer}");
        }
        ensure!(get("/health", "x-request-id: a\r\n b: c\r\n")?.starts_with("HTTP/1.1 400 "), "a folded header");
        ensure!(
            get("/health", &format!("x-long: {}\r\n", "a".repeat(1_000_000)))?.starts_with("HTTP/1.1 431 "),
            "a long header"
        );
        let answer = served.call("DELETE", "/api/v1/connection", None)?;
        answer.refuses(405, "no_such_method")?;
        is_well(&served, rig)?;
        served.stop().map(drop)
    })
}

fn serve_ends_what_it_began(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().replace("require_approval = false", "require_approval = true"), |rig| {
        let served = Served::start(rig)?;
        let body = json!([asks("person-0001@example.test", "erasure")]).to_string();
        let mut stream = TcpStream::connect(served.host())?;
        write!(
            stream,
            "POST {REQUESTS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            served.token(),
            body.len()
        )?;
        // It has read the headers, and waits for the body.
        let mut continues = [0; 25];
        stream.read_exact(&mut continues)?;
        same("it goes on", &continues, b"HTTP/1.1 100 Continue\r\n\r\n")?;
        served.stop_during(|| {
            stream.write_all(body.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            ensure!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"status\":\"pending\""), "{answer}");
            Ok(())
        })?;
        same("recorded", &rig.run(&["requests", "list"])?.at("/requests")?.as_array().map(Vec::len), &Some(1))
    })
}

fn serve_slow_callers(context: &Context) -> Result<Outcome> {
    // It takes as long as the service's patience, and is about neither Segment nor the records.
    if !is_first_column(context) {
        return Ok(Outcome::NotHere);
    }
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let head = format!(
            "POST {REQUESTS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n",
            served.token()
        );
        let mut callers = Vec::new();
        for number in 0..50 {
            let mut stream = TcpStream::connect(served.host())?;
            // Half of them stop within their headers, half within their body.
            let part = if number % 2 == 0 { &head[..40] } else { head.as_str() };
            stream.write_all(part.as_bytes())?;
            callers.push(stream);
        }
        is_well(&served, rig)?;
        // Some leave.
        callers.truncate(20);
        is_well(&served, rig)?;
        same("recorded", &listed(&served)?, &json!(0))?;
        // A slow body is told so; a slow header is not worth a word.
        let answer = served.raw(&[head.as_bytes(), b"["].concat())?;
        ensure!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("too_slow"), "{answer}");
        for silent in [&head.as_bytes()[..40], b"", b"PRI * HTT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            let answer = served.raw(silent)?;
            ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
        drop(callers);
        served.stop().map(drop)
    })
}
