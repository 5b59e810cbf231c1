//! Who may call the HTTP service, and where it listens.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::service::{REQUESTS, asks, ids, is_first_column, reaches};
use crate::{
    assert::{same, until},
    context::Context,
    environment,
    scenario::{Outcome, on_rig, scenarios},
    service::{SCOPES, Served, token},
    setup::Setup,
};

scenarios! {
    /// every route of the OpenAPI document takes tokens of the scope that it names, and no others
    serve_scopes,
    /// schemathesis finds no answer that the OpenAPI document does not describe
    serve_fits_its_document,
    /// a token that is revoked, over or unknown opens nothing; who tries too often has to wait
    serve_tokens,
    /// nothing listens in the clear but to this machine; with a certificate it is HTTPS
    serve_listening,
}

/// The operations of the document: method, path, and the scope that each names.
fn operations(document: &Value) -> Vec<(String, String, Option<String>)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let scope = operation["security"][0]["bearer"][0].as_str().map(str::to_owned);
            // Whoever may not read may not ask how long it is, either.
            all.extend((method == "get").then(|| ("HEAD".to_owned(), path.clone(), scope.clone())));
            all.push((method.to_uppercase(), path.clone(), scope));
        }
    }
    all
}

fn serve_scopes(context: &Context) -> Result<Outcome> {
    let setup = Setup::unify().append("[evidence]\nsigning_key = { file = \"evidence.key\" }\n");
    on_rig(context, &setup, |rig| {
        rig.run(&["key", "new", "evidence.key"])?;
        let served = Served::start(rig)?;
        let tokens = SCOPES.map(|scope| (scope, token(rig, scope, &[scope])));
        let document = served.call_with("GET", "/openapi.json", None, &[])?.json()?;
        let operations = operations(&document);
        ensure!(
            operations.iter().filter(|(method, ..)| method != "HEAD").count() >= 18,
            "only {} routes",
            operations.len()
        );
        for (method, path, scope) in operations {
            let here = path.replace("{id}", "pri_none").replace("{key}", "none");
            let anonymous = served.call_with(&method, &here, None, &[])?;
            let Some(scope) = scope else {
                ensure!(["/health", "/ready"].iter().any(|open| path.ends_with(open)), "{path} asks for no token");
                anonymous.is(200)?;
                continue;
            };
            match method.as_str() {
                "HEAD" => anonymous.is(401).map(drop),
                _ => anonymous.refuses(401, "no_token").map(drop),
            }
            .with_context(|| format!("{method} {path}"))?;
            for (name, token) in &tokens {
                let header = format!("Bearer {}", token.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?);
                let answer = served.call_with(&method, &here, None, &[("authorization", &header)])?;
                let refused = answer.status == 403;
                ensure!(
                    refused == (*name != scope),
                    "{method} {path} with {name}: {} {}",
                    answer.status,
                    answer.text()
                );
                ensure!(answer.status != 401, "{method} {path} with {name}: {}", answer.text());
            }
        }
        // What shows people needs the scope for that, beside the one of its route.
        let read = format!("Bearer {}", token(rig, "reader", &["read"])?);
        for path in ["pri_none?include_identities=true", "pri_none/evidence?reveal=true"] {
            let answer = served.call_with("GET", &format!("{REQUESTS}/{path}"), None, &[("authorization", &read)])?;
            answer.refuses(403, "scope_missing")?;
        }
        served.stop().map(drop)
    })
}

fn serve_fits_its_document(context: &Context) -> Result<Outcome> {
    if !is_first_column(context) {
        return Ok(Outcome::NotHere);
    }
    let found = environment::var("SEGMENT_PRIVACY_SCHEMATHESIS").unwrap_or_else(|| "schemathesis".to_owned());
    let is_there = Command::new(&found).arg("--version").output().is_ok_and(|run| run.status.success());
    ensure!(is_there || environment::var("CI").is_none(), "schemathesis is not installed");
    if !is_there {
        return Ok(Outcome::Skipped("schemathesis is not installed".to_owned()));
    }
    let setup = Setup::unify().append("[evidence]\nsigning_key = { file = \"evidence.key\" }\n");
    on_rig(context, &setup, |rig| {
        rig.run(&["key", "new", "evidence.key"])?;
        let served = Served::start(rig)?;
        // Half of the calls are about requests that there are.
        let known = json!([asks("person-0001@example.test", "access"), asks("person-0002@example.test", "erasure")]);
        let known = served.call("POST", REQUESTS, Some(&known))?;
        let known = ids(&known)?;
        reaches(&served, &known[0], "complete")?;
        rig.write("schemathesis.toml", format!("[parameters]\n\"path.id\" = {known:?}\n\"path.key\" = \"unify\"\n"))?;
        let mut run = Command::new(&found);
        run.current_dir(rig.path("")).env("NO_COLOR", "1");
        run.args(["run", &format!("{}/openapi.json", served.url()), "--url", served.url()]);
        run.args(["-H", &format!("Authorization: Bearer {}", served.token())]);
        run.args(["--max-examples", "25", "--seed", "7", "--phases", "examples,coverage,fuzzing"]);
        // What a text may say depends on what is recorded: that is said in words.
        run.args(["--exclude-checks", "positive_data_acceptance"]);
        let run = run.output()?;
        let said = String::from_utf8_lossy(&run.stdout);
        ensure!(run.status.success(), "{said}");
        ensure!(said.contains("Tested: 19") && said.contains("Fuzzing"), "it did not test everything: {said}");
        served.stop().map(drop)
    })
}

fn serve_tokens(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let call = |token: &str| {
            served.call_with("GET", "/api/v1/connection", None, &[("authorization", &format!("Bearer {token}"))])
        };
        let short =
            rig.run(&["token", "create", "--name", "short", "--scope", "read", "--expires", "1s"])?.text("/token")?;
        let revoked = token(rig, "revoked", &["read"])?;
        rig.run(&["token", "create", "--name", "revoked", "--scope", "read"])?.exits(2)?;
        call(&revoked)?.is(200)?;
        call(served.token())?.is(200)?;
        rig.run(&["token", "revoke", "revoked"])?.exits(0)?;
        until("it opens nothing", || call(&revoked).is_ok_and(|answer| answer.refuses(401, "token_ended").is_ok()))?;
        until("it is over", || call(&short).is_ok_and(|answer| answer.refuses(401, "token_ended").is_ok()))?;
        let list = rig.run(&["token", "list"])?.json()?;
        let of = |name: &str| list["tokens"].as_array().into_iter().flatten().find(|one| one["name"] == name).cloned();
        let revoked = of("revoked").context("it is not listed")?;
        same("status", &revoked["status"], &json!("revoked"))?;
        ensure!(revoked["used_at"].is_string(), "its use is not noted: {revoked}");
        ensure!(!list.to_string().contains("sp_"), "a token is shown: {list}");

        let wrong = format!("sp_{}_{}", "0".repeat(32), "A".repeat(43));
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(call(&wrong)?.status);
        }
        ensure!(statuses.contains(&401) && statuses.last() == Some(&429), "{statuses:?}");
        call(served.token())?.is(200)?;
        for header in ["", "Bearer", "Basic abc", "Bearer  ", "Bearer x y z"] {
            let answer = served.call_with("GET", "/api/v1/connection", None, &[("authorization", header)])?;
            ensure!([401, 429].contains(&answer.status), "{header:?}: {}", answer.status);
        }
        served.stop().map(drop)
    })
}

fn serve_listening(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let run = rig.run(&["serve", "--listen", "0.0.0.0:0"])?;
        run.exits(2)?;
        ensure!(run.stderr.contains("behind_proxy"), "{}", run.stderr);
        rig.run(&["serve", "--listen", "nowhere"])?.exits(2)?;
        let everything = token(rig, "everything", &SCOPES)?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        rig.write("server.pem", made.cert.pem())?;
        rig.write("server.key", made.signing_key.serialize_pem())?;
        rig.reconfigure(
            "[worker]",
            "[server.tls]\ncertificate = \"server.pem\"\nkey = { file = \"server.key\" }\n\n[worker]",
        )?;
        let served = Served::start_with(rig, everything.clone(), &["serve", "--listen", "0.0.0.0:0"])?;
        ensure!(served.url().starts_with("https://"), "{}", served.url());
        served.call("GET", "/health", None)?.is(200)?;
        served.stop()?;
        rig.write("server.pem", "none")?;
        rig.run(&["serve", "--listen", "127.0.0.1:0"])?.exits(2)?;
        rig.reconfigure(
            "[server.tls]\ncertificate = \"server.pem\"\nkey = { file = \"server.key\" }",
            "[server]\nbehind_proxy = true",
        )?;
        let served = Served::start_with(rig, everything, &["serve", "--listen", "0.0.0.0:0"])?;
        served.call("GET", "/health", None)?.is(200)?;
        // The proxy says who fails.
        let wrong = |address: &str| {
            let headers = [("authorization", "Bearer sp_x"), ("x-forwarded-for", address)];
            served.call_with("GET", "/api/v1/connection", None, &headers)
        };
        let refused = (0..40)
            .map(|_| wrong("192.0.2.1, 198.51.100.7").map(|answer| answer.status))
            .collect::<Result<Vec<_>>>()?;
        ensure!(refused.last() == Some(&429), "{refused:?}");
        wrong("198.51.100.7, 192.0.2.1")?.is(401)?;
        served.stop().map(drop)
    })
}
