//! The HTTP service: what its clients rely on.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    assert::{same, until},
    context::{Api, Context, Records},
    package::Package,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    service::{Answer, Call, SCOPES, Served, token},
    setup::Setup,
};

scenarios! {
    /// an access and an erasure are asked for, followed to their ends, and handed out over HTTP alone
    serve_from_request_to_package,
    /// the same call again is the same requests, by external_id and by Idempotency-Key, also at the same moment
    serve_takes_everything_once,
    /// of approve and deny at the same moment one happens; the log says who
    serve_decides_once,
    /// lists have pages and filters, and a filter that is not known is an error
    serve_lists,
    /// what is disabled while it serves is disabled for its callers, too
    serve_changes,
    /// two that begin on one new database at the same moment both serve, and share the work
    serve_twice,
}

pub(super) const REQUESTS: &str = "/api/v1/privacy-request";

pub(super) fn asks(email: &str, policy: &str) -> Value {
    json!({"identity": {"email": email}, "policy_key": format!("default_{policy}_policy")})
}

/// Waits until a request stands so.
pub(super) fn reaches(served: &Served, id: &str, status: &str) -> Result<Answer> {
    let path = format!("{REQUESTS}/{id}");
    let stands =
        || served.call("GET", &path, None).is_ok_and(|answer| answer.text_at("/status").is_ok_and(|now| now == status));
    until(&format!("{id} is {status}"), stands)?;
    served.call("GET", &path, None)
}

fn serve_from_request_to_package(context: &Context) -> Result<Outcome> {
    let setup = Setup::unify().deleting().append("[evidence]\nsigning_key = { file = \"evidence.key\" }\n");
    on_rig(context, &setup, |rig| {
        rig.run(&["key", "new", "evidence.key"])?;
        let served = Served::start(rig)?;
        let body = json!([
            {"identity": {"email": "person-0001@example.test", "phone_number": null}, "policy_key": "default_access_policy", "external_id": "ticket-1"},
            asks("person-0002@example.test", "erasure"),
        ]);
        let answer = served.call("POST", REQUESTS, Some(&body))?;
        answer.is(200)?;
        same("failed", &answer.at("/failed")?, &json!([]))?;
        let (access, erasure) = (answer.text_at("/succeeded/0/id")?, answer.text_at("/succeeded/1/id")?);
        same("external id", &answer.text_at("/succeeded/0/external_id")?, "ticket-1")?;
        same("identity", &answer.at("/succeeded/0/identity")?, &Value::Null)?;
        same("policy", &answer.text_at("/succeeded/1/policy/key")?, "default_erasure_policy")?;

        let done = reaches(&served, &access, "complete")?;
        let receipt = done.text_at("/package/location")?;
        let package = served.call("GET", &format!("{REQUESTS}/{access}/access-package"), None)?;
        package.is(200)?;
        same("package", &package.bytes, &std::fs::read(rig.path(&receipt))?)?;
        Package::open(&rig.path(&receipt))?;
        let revealed = served.call("GET", &format!("{REQUESTS}/{access}?include_identities=true"), None)?;
        same("who", &revealed.text_at("/identity/email")?, "person-0001@example.test")?;

        let done = reaches(&served, &erasure, "complete")?;
        same("outcome", &done.text_at("/tasks/0/outcome")?, "deleted")?;
        same("regulations at Segment", &rig.regulations().len(), &1)?;
        served.call("GET", &format!("{REQUESTS}/{erasure}/access-package"), None)?.refuses(404, "no_package")?;
        let evidence = served.call("GET", &format!("{REQUESTS}/{erasure}/evidence"), None)?;
        rig.write("evidence.json", &evidence.bytes)?;
        rig.run(&["evidence", "verify", "evidence.json"])?.exits(0)?;

        is_told(&served, &access)?;
        let plan = json!([asks("person-0003@example.test", "erasure")]);
        let plan = served.call("PUT", &format!("{REQUESTS}/preview"), Some(&plan))?;
        same("plan", &plan.text_at("/plan/0/action")?, "delete")?;
        same("regulations at Segment", &rig.regulations().len(), &1)?;
        let tested = served.call("GET", "/api/v1/connection/unify/test", None)?;
        same("test", &tested.text_at("/test_status")?, "succeeded")?;
        let connections = served.call("GET", "/api/v1/connection", None)?;
        same("last test", &connections.at("/items/0/last_test_succeeded")?, &json!(true))?;
        served.stop().map(drop)
    })
}

/// The log of an access that was handed out, and the metrics, say so.
fn is_told(served: &Served, access: &str) -> Result<()> {
    let log = served.call("GET", &format!("{REQUESTS}/{access}/log?size=100"), None)?;
    let steps: Vec<_> = log.at("/items")?.as_array().into_iter().flatten().map(|line| line["step"].clone()).collect();
    for step in ["received", "packaged", "package_fetched", "revealed"] {
        ensure!(steps.contains(&json!(step)), "the log tells no {step}: {steps:?}");
    }
    let metrics = served.call("GET", "/metrics", None)?.text();
    for line in [
        "segment_privacy_requests{action=\"erasure\",status=\"complete\"} 1",
        "segment_privacy_request_outcomes{outcome=\"collected\"} 1",
        "segment_privacy_worker_alive 1",
        "segment_privacy_segment_calls_total{api=\"profile\",status=\"200\"}",
        "segment_privacy_pacing_wait_seconds_bucket{api=\"profile\"",
        "segment_privacy_http_request_seconds_count{route=\"/api/v1/privacy-request\"} ",
        "segment_privacy_requests_overdue{action=\"access\"} 0",
        "segment_privacy_quota_limit{connection=\"unify\",category=\"segment_only\"}",
    ] {
        ensure!(metrics.contains(line), "no `{line}` in\n{metrics}");
    }
    Ok(())
}

fn serve_takes_everything_once(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().replace("require_approval = false", "require_approval = true"), |rig| {
        let served = Served::start(rig)?;
        let bearer = format!("Bearer {}", served.token());
        let one = json!([asks("person-0001@example.test", "erasure"), asks("person-0002@example.test", "erasure")]);
        let headers = vec![("authorization", bearer.as_str()), ("idempotency-key", "call-1")];
        let calls = vec![Call { method: "POST", path: REQUESTS, body: one.clone(), headers: headers.clone() }; 8];
        let answers = served.at_once(&calls)?;
        for answer in &answers {
            answer.is(200)?;
            same("ids", &ids(answer)?, &ids(&answers[0])?)?;
            same("external id", &answer.at("/succeeded/0/external_id")?, &Value::Null)?;
        }
        let other = json!([asks("person-0003@example.test", "erasure"), asks("person-0002@example.test", "erasure")]);
        served.call_with("POST", REQUESTS, Some(&other), &headers)?.refuses(422, "idempotency_key_reused")?;
        let more = json!([one[0], one[1], asks("person-0003@example.test", "erasure")]);
        served.call_with("POST", REQUESTS, Some(&more), &headers)?.refuses(422, "idempotency_key_reused")?;
        same("recorded", &served.call("GET", REQUESTS, None)?.at("/total")?, &json!(2))?;

        // Nor is anything else of a call recorded whose key is another's.
        let mut named = asks("person-0006@example.test", "erasure");
        named["external_id"] = json!("ticket-6");
        let beside = json!([asks("person-0005@example.test", "erasure"), named]);
        served.call_with("POST", REQUESTS, Some(&beside), &headers)?.refuses(422, "idempotency_key_reused")?;
        same("recorded", &served.call("GET", REQUESTS, None)?.at("/total")?, &json!(2))?;
        let log = served.call("GET", &format!("{REQUESTS}/{}/log", ids(&answers[0])?[0]), None)?;
        same("who asked", &log.at("/items/0/facts/by")?, &json!("everything"))?;

        // Another token's key is another key.
        let theirs = format!("Bearer {}", token(rig, "theirs", &["submit"])?);
        let single = json!([{"identity": {"user_id": "nobody"}, "policy_key": "default_erasure_policy"}]);
        let headers = [("authorization", theirs.as_str()), ("idempotency-key", "call-1")];
        let answer = served.call_with("POST", REQUESTS, Some(&single), &headers)?;
        ensure!(!ids(&answers[0])?.contains(&answer.text_at("/succeeded/0/id")?), "it is another token's request");

        by_reference(&served, &bearer)?;
        rig.nothing_sent()?;
        served.stop().map(drop)
    })
}

/// The same reference is the same request; one that asks for something else is told.
fn by_reference(served: &Served, bearer: &str) -> Result<()> {
    let mut named = asks("person-0004@example.test", "erasure");
    named["external_id"] = json!("ticket-4");
    let calls =
        vec![
            Call { method: "POST", path: REQUESTS, body: json!([named]), headers: vec![("authorization", bearer)] };
            8
        ];
    let answers = served.at_once(&calls)?;
    for answer in &answers {
        same("ids", &ids(answer)?, &ids(&answers[0])?)?;
    }
    let mut conflict = asks("person-0005@example.test", "erasure");
    conflict["external_id"] = json!("ticket-4");
    let answer = served.call("POST", REQUESTS, Some(&json!([conflict])))?;
    same("code", &answer.text_at("/failed/0/code")?, "external_id_conflict")?;
    same("data", &answer.text_at("/failed/0/data/external_id")?, "ticket-4")?;
    let found = served.call("GET", &format!("{REQUESTS}?external_id=ticket-4"), None)?;
    same("found", &found.at("/total")?, &json!(1))?;
    Ok(())
}

pub(super) fn ids(answer: &Answer) -> Result<Vec<String>> {
    let all = answer.at("/succeeded")?;
    Ok(all.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect())
}

fn serve_decides_once(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().replace("require_approval = false", "require_approval = true"), |rig| {
        let served = Served::start(rig)?;
        let bearer = format!("Bearer {}", token(rig, "the committee", &["review"])?);
        for person in 1..=4 {
            let asked = json!([asks(&format!("person-000{person}@example.test"), "erasure")]);
            let told = served.call("POST", REQUESTS, Some(&asked))?.at("/succeeded/0")?;
            let id = told["id"].as_str().unwrap_or_default().to_owned();
            let mut read = served.call("GET", &format!("{REQUESTS}/{id}"), None)?.json()?;
            // A day may end in between.
            read["days_left"] = told["days_left"].clone();
            same("what is read of a new request", &read, &told)?;
            let which = json!({"request_ids": [id], "reason": "not theirs"});
            let headers = vec![("authorization", bearer.as_str())];
            let (approve, deny) = (format!("{REQUESTS}/administrate/approve"), format!("{REQUESTS}/administrate/deny"));
            let call = |path| Call { method: "PATCH", path, body: which.clone(), headers: headers.clone() };
            let calls = [call(approve.as_str()), call(deny.as_str())];
            let answers = served.at_once(&calls)?;
            let won: Vec<_> = answers.iter().map(|answer| ids(answer).map(|ids| ids.len())).collect::<Result<_>>()?;
            same("decisions", &won.iter().sum::<usize>(), &1)?;
            let lost = &answers[usize::from(won[0] == 1)];
            same("code", &lost.text_at("/failed/0/code")?, "not_possible")?;
            let log = served.call("GET", &format!("{REQUESTS}/{id}/log"), None)?.at("/items")?;
            let told = log.as_array().into_iter().flatten().filter(|line| line["facts"]["by"] == "the committee");
            same("decisions in the log", &told.count(), &1)?;
        }
        served
            .call("PATCH", &format!("{REQUESTS}/administrate/deny"), Some(&json!({"request_ids": ["pri_x"]})))?
            .refuses(422, "body_invalid")?;
        served.stop().map(drop)
    })
}

fn serve_lists(context: &Context) -> Result<Outcome> {
    let setup = Setup::unify().replace("require_approval = false", "require_approval = true");
    on_rig(
        context,
        &setup.append("[[policies]]\nkey = \"california\"\naction = \"erasure\"\nregime = \"ccpa\"\n"),
        |rig| {
            let served = Served::start(rig)?;
            let mut asked = Vec::new();
            for person in 0..7 {
                let mut one = json!({"identity": {"user_id": format!("u-{person}")}, "policy_key": "california"});
                one["requested_at"] = json!(format!("2026-0{}-01T00:00:00Z", person + 1));
                asked.push(one);
            }
            served.call("POST", REQUESTS, Some(&json!(asked)))?.is(200)?;
            let list = |query: &str| served.call("GET", &format!("{REQUESTS}?{query}"), None);
            let first = list("size=3")?;
            same("page", &first.at("/pages")?, &json!(3))?;
            same("newest", &first.text_at("/items/0/created_at")?, "2026-07-01T00:00:00Z")?;
            same("deadline", &first.text_at("/items/0/due_at")?, "2026-08-15T00:00:00Z")?;
            same("last", &list("size=3&page=3")?.at("/items")?.as_array().map(Vec::len), &Some(1))?;
            for (query, total) in [
                ("status=pending", 7),
                ("status=complete&status=pending", 7),
                ("status=complete", 0),
                ("action_type=access", 0),
                ("is_overdue=true", 7),
                ("created_gt=2026-03-01T00:00:00Z", 4),
                ("created_lt=2026-03-01T00:00:00Z", 2),
                ("external_id=x", 0),
            ] {
                same(query, &list(query)?.at("/total")?, &json!(total))?;
            }
            for query in [
                "stauts=pending",
                "status=done",
                "page=0",
                "size=101",
                "size=ten",
                "page=1&page=2",
                "created_gt=noon",
                "is_overdue=maybe",
            ] {
                list(query)?.refuses(422, "query_invalid").with_context(|| query.to_owned())?;
            }
            // Nobody is to believe that it was only tried.
            let erasure = json!([asks("person-0001@example.test", "erasure")]);
            served.call("POST", &format!("{REQUESTS}?dry_run=true"), Some(&erasure))?.refuses(422, "query_invalid")?;
            same("taken", &list("page=1")?.at("/total")?, &json!(7))?;
            served.stop().map(drop)
        },
    )
}

fn serve_changes(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let erase = || served.call("POST", REQUESTS, Some(&json!([asks("person-0001@example.test", "erasure")])));
        rig.reconfigure("kind = \"segment_unify\"", "kind = \"segment_unify\"\nenabled = false")?;
        until("it takes no more", || {
            erase().is_ok_and(|answer| answer.text_at("/failed/0/code").is_ok_and(|code| code == "no_connection"))
        })?;
        rig.reconfigure("enabled = false", "enabled = true")?;
        until("it takes again", || erase().is_ok_and(|answer| answer.text_at("/succeeded/0/id").is_ok()))?;
        served.stop().map(drop)
    })
}

fn serve_twice(context: &Context) -> Result<Outcome> {
    if context.records() != Records::Postgres {
        return Ok(Outcome::NotHere);
    }
    on_rig(context, &Setup::unify(), |rig| {
        let args = ["serve", "--listen", "127.0.0.1:0"];
        let (one, two) = std::thread::scope(|scope| {
            let start = || Served::start_with(rig, String::new(), &args);
            let (one, two) = (scope.spawn(start), scope.spawn(start));
            (one.join(), two.join())
        });
        let stopped = |_| anyhow::anyhow!("a thread stopped");
        let (one, two) = (one.map_err(stopped)??, two.map_err(stopped)??);
        let everything = format!("Bearer {}", token(rig, "everything", &SCOPES)?);
        let headers = [("authorization", everything.as_str())];
        let body: Vec<_> = (1..=6).map(|n| asks(&format!("person-000{n}@example.test"), "erasure")).collect();
        let asked = one.call_with("POST", REQUESTS, Some(&json!(body)), &headers)?;
        same("taken", &ids(&asked)?.len(), &6)?;
        for id in ids(&asked)? {
            let path = format!("{REQUESTS}/{id}");
            let stands = || {
                two.call_with("GET", &path, None, &headers)
                    .is_ok_and(|now| now.text_at("/status").is_ok_and(|now| now == "complete"))
            };
            until("it is complete", stands)?;
        }
        one.stop()?;
        two.stop().map(drop)
    })
}

/// What is about neither Segment nor the records is rehearsed once.
pub(super) fn is_first_column(context: &Context) -> bool {
    context.api() == Api::Public && context.records() == Records::Sqlite
}

/// For scenarios of bad input.
pub(super) fn listed(served: &Served) -> Result<Value> {
    served.call("GET", REQUESTS, None)?.at("/total")
}

/// The service answers, as if nothing had been.
pub(super) fn is_well(served: &Served, _: &Rig) -> Result<()> {
    served.call("GET", REQUESTS, None)?.is(200).map(drop)
}
