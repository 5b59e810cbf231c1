//! What an erasure makes of every answer that Segment, or something before it, can give.

use std::time::Duration;

use anyhow::{Result, ensure};
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig, MockSegment};

use crate::{
    assert::same,
    context::{Api, Context},
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// the POST is refused (400, 401, 403, 404, 413, 422): status and exit code as designed, sent once, nothing created
    answers_post_refused,
    /// the POST is limited (429 in three forms): sent again after the time that was asked for; one regulation
    answers_post_limited,
    /// the month's quota is used up: the work waits, exit code 7, and says until when
    answers_post_quota,
    /// the POST's answer is lost or no answer (500, 503, HTML, cut, no id, redirect): searched first; never two regulations
    answers_post_lost,
    /// a lost answer that cannot be searched for: a human must decide, nothing is sent again
    answers_post_undecided,
    /// a POST that fails for ever: --timeout ends it (exit 7), nothing is doubled, and a retry completes it
    answers_post_fails_for_ever,
    /// of a file with one bad id Segment refuses only that one: the others are erased
    answers_post_bad_id_among_many,
    /// GETs of an erasure fail once (429, 500, 503, HTML, cut, truncated): asked again, complete
    answers_get_passing,
    /// GETs of an erasure fail for good: an error, nothing sent
    answers_get_failing,
}

/// What goes wrong, made anew for each mock.
pub(super) type Make = fn() -> Fault;

/// How the only task ends: exit code, status of the request, code of the task.
type Refusal = (&'static str, Make, i32, &'static str, &'static str);

fn answers_post_refused(context: &Context) -> Result<Outcome> {
    const CASES: &[Refusal] = &[
        ("400", Fault::bad_request, 4, "requires_attention", "refused"),
        ("401", Fault::unauthorized, 3, "error", "unauthorized"),
        ("403", Fault::forbidden, 3, "error", "unauthorized"),
        ("404", Fault::not_found, 4, "requires_attention", "refused"),
        ("413", Fault::too_large, 4, "requires_attention", "refused"),
        ("422", || Fault::invalid_field("subjectIds[0]", "bad id u-0001"), 4, "requires_attention", "refused"),
    ];
    each(
        CASES,
        |case| case.0.to_owned(),
        |(_, fault, exit, status, code)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(fault()).on(Endpoint::CreateRegulation));
                let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--wait"])?;
                run.exits(*exit)?.is("/status", *status)?.is("/tasks/0/code", *code)?;
                ensure!(run.text("/tasks/0/message")?.contains("Segment"), "{}", run.shown());
                same("POSTs", &rig.posts().len(), &1)?;
                same("regulations", &rig.regulations().len(), &0)?;
                rig.run(&["requests", "retry", &run.text("/id")?, "--wait"])?.exits(0)?.is("/status", "complete")?;
                rig.regulated("SUPPRESS_ONLY", &["u-0001"])
            })
        },
    )
}

fn answers_post_limited(context: &Context) -> Result<Outcome> {
    const CASES: &[(&str, Make, u64)] = &[
        ("Retry-After", || Fault::retry_after(1), 1_000),
        ("msBeforeNext", || Fault::ms_before_next(700), 700),
        // The date has whole seconds.
        ("X-RateLimit-Reset", || Fault::reset_in(Duration::from_secs(3)), 2_000),
        ("no hint", Fault::rate_limited, 0),
    ];
    // The body of the Config API's errors has no such hint.
    let cases: Vec<_> = CASES.iter().filter(|case| case.0 != "msBeforeNext" || context.api() == Api::Public).collect();
    each(
        &cases,
        |case| case.0.to_owned(),
        |(_, fault, wait)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(fault()).on(Endpoint::CreateRegulation));
                let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--wait"])?;
                run.exits(0)?.is("/status", "complete")?;
                let posts = rig.posts();
                same("POSTs", &posts.len(), &2)?;
                let waited = posts[1].at.duration_since(posts[0].at).as_millis();
                ensure!(waited + 20 >= i128::from(*wait), "sent again after {waited} ms, asked were {wait}");
                rig.regulated("SUPPRESS_ONLY", &["u-0001"])
            })
        },
    )
}

fn answers_post_quota(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().fault(FaultRule::new(Fault::quota_exhausted()).on(Endpoint::CreateRegulation).always());
        let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--timeout", "20s"])?;
        run.exits(7)?;
        ensure!(run.stderr.contains("quota"), "{}it does not say why", run.shown());
        same("POSTs", &rig.posts().len(), &1)?;
        same("regulations", &rig.regulations().len(), &0)?;
        rig.mock().clear_faults();
        let quotas = rig.run(&["regulations", "list"])?.exits(0)?.at("/quota")?;
        let forecast = quotas.as_array().into_iter().flatten().any(|one| one["forecast"].is_string());
        ensure!(forecast, "it does not say until when: {quotas}");
        // It is remembered, until somebody says that there is room again.
        let id = run.text("/id")?;
        let again = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--timeout", "3s"])?;
        again.exits(7)?.is("/id", id.as_str())?;
        ensure!(again.stderr.contains("quota"), "{}it does not say why", again.shown());
        same("POSTs", &rig.posts().len(), &1)?;
        rig.run(&["requests", "retry", &id, "--wait"])?.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}

fn answers_post_lost(context: &Context) -> Result<Outcome> {
    const CASES: &[(&str, Make, usize)] = &[
        ("answer lost after acceptance", Fault::accept_then_cut, 1),
        ("2xx without an id", Fault::accept_without_id, 1),
        ("2xx without data", Fault::missing_data, 1),
        ("truncated JSON", Fault::truncated_json, 1),
        ("half a body", Fault::short_body, 1),
        ("slow beyond the time limit", || Fault::slow(Duration::from_secs(4)), 1),
        ("500", Fault::server_error, 2),
        ("503 in plain text", Fault::upstream, 2),
        ("502 with HTML", || Fault::html(502), 2),
        ("200 with HTML", || Fault::html(200), 2),
        ("408", || Fault::status(408), 2),
        ("cut connection", Fault::cut, 2),
    ];
    each(
        CASES,
        |case| case.0.to_owned(),
        |(_, fault, posts)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(fault()).on(Endpoint::CreateRegulation));
                let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--wait"])?;
                run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "suppressed")?;
                run.text("/verified_at")?;
                rig.regulated("SUPPRESS_ONLY", &["u-0001"])?;
                same("POSTs", &rig.posts().len(), posts)?;
                let listings = rig.mock().requests_to(Endpoint::ListRegulations).len();
                ensure!(listings >= *posts, "only {listings} listings before {posts} POSTs");
                run.is("/tasks/0/regulations/0/id", rig.mock().regulations()[0].id.clone())?;
                Ok(())
            })
        },
    )?;
    answers_post_redirected(context)?;
    Ok(Outcome::Cases(CASES.len() + 1))
}

/// The other host sees nothing, above all not the token.
fn answers_post_redirected(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let other = MockSegment::start(MockConfig::new())?;
        let elsewhere = format!("{}/regulations", other.url());
        rig.mock().fault(FaultRule::new(Fault::redirect(307, elsewhere)).on(Endpoint::CreateRegulation));
        let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--wait"])?;
        same("requests at the other host", &other.requests().len(), &0)?;
        ensure!([0, 3, 4].contains(&run.exit), "{}", run.shown());
        ensure!(rig.regulations().len() <= 1, "doubled");
        Ok(())
    })
}

fn answers_post_undecided(context: &Context) -> Result<Outcome> {
    const CASES: &[(&str, Make)] = &[
        ("entries without ids", Fault::entries_without_subjects),
        ("a repeated cursor", Fault::repeated_cursor),
        ("no list", Fault::bad_request),
    ];
    each(
        CASES,
        |case| case.0.to_owned(),
        |(_, fault)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(Fault::accept_then_cut()).on(Endpoint::CreateRegulation));
                rig.mock().fault(FaultRule::new(fault()).on(Endpoint::ListRegulations).always());
                let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--wait"])?;
                run.needs_human("reconcile_undecided")?;
                same("POSTs", &rig.posts().len(), &1)?;
                rig.mock().clear_faults();
                rig.run(&["requests", "retry", &run.text("/id")?, "--wait"])?.exits(0)?.is("/status", "complete")?;
                same("POSTs", &rig.posts().len(), &1)?;
                rig.regulated("SUPPRESS_ONLY", &["u-0001"])
            })
        },
    )
}

fn answers_post_fails_for_ever(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().fault(FaultRule::new(Fault::server_error()).on(Endpoint::CreateRegulation).always());
        let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--timeout", "8s"])?;
        run.exits(7)?.is("/status", "in_processing")?;
        same("regulations", &rig.regulations().len(), &0)?;
        let (posts, listings) = (rig.posts().len(), rig.mock().requests_to(Endpoint::ListRegulations).len());
        ensure!(listings + 2 >= 2 * posts, "{posts} POSTs after only {listings} listings");
        rig.mock().clear_faults();
        rig.run(&["requests", "retry", &run.text("/id")?, "--wait"])?.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}

fn answers_post_bad_id_among_many(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let refusal = Fault::invalid_field("subjectIds", "one of them is bad");
        rig.mock().fault(FaultRule::new(refusal).on(Endpoint::CreateRegulation).body_contains("u-0003").always());
        rig.write("people.csv", "user_id\nu-0001\nu-0002\nu-0003\nu-0006\nu-0007\n")?;
        let run = rig.run(&["erase", "--from", "people.csv", "--yes", "--wait"])?;
        run.exits(4)?.is("/requests", serde_json::json!({"complete": 4, "requires_attention": 1}))?;
        let mut erased: Vec<_> = rig.regulations().into_iter().flat_map(|(_, ids)| ids).collect();
        erased.sort();
        same("erased", &erased, &vec!["u-0001", "u-0002", "u-0006", "u-0007"])
    })
}

fn answers_get_passing(context: &Context) -> Result<Outcome> {
    const WHERE: &[Endpoint] = &[
        Endpoint::Workspace,
        Endpoint::ProfileMetadata,
        Endpoint::ProfileExternalIds,
        Endpoint::GetRegulation,
        Endpoint::ListSuppressions,
    ];
    const FAULTS: &[(&str, Make)] = &[
        ("429 Retry-After", || Fault::retry_after(1)),
        ("500", Fault::server_error),
        ("503 in plain text", Fault::upstream),
        ("502 with HTML", || Fault::html(502)),
        ("cut connection", Fault::cut),
        ("truncated JSON", Fault::truncated_json),
        ("half a body", Fault::short_body),
    ];
    let cases: Vec<_> = WHERE.iter().flat_map(|place| FAULTS.iter().map(move |fault| (*place, *fault))).collect();
    each(
        &cases,
        |(place, fault)| format!("{place:?}, {}", fault.0),
        |(place, (_, fault))| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(fault()).on(*place));
                let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--wait"])?;
                run.exits(0)?.is("/status", "complete")?.text("/verified_at")?;
                same("faults that did not happen", &rig.mock().faults_left(), &0)?;
                rig.regulated("SUPPRESS_ONLY", &["u-0001"])?;
                same("POSTs", &rig.posts().len(), &1)
            })
        },
    )
}

fn answers_get_failing(context: &Context) -> Result<Outcome> {
    const CASES: &[(&str, Endpoint, Make, &str)] = &[
        ("400", Endpoint::ProfileMetadata, Fault::bad_request, "segment_failed"),
        ("401", Endpoint::ProfileMetadata, Fault::unauthorized, "unauthorized"),
        ("403", Endpoint::ProfileExternalIds, Fault::forbidden, "unauthorized"),
        ("500", Endpoint::ProfileExternalIds, Fault::server_error, "segment_failed"),
        ("HTML", Endpoint::ProfileMetadata, || Fault::html(200), "segment_failed"),
        ("repeated cursor", Endpoint::ProfileExternalIds, Fault::repeated_cursor, "segment_failed"),
        ("workspace 400", Endpoint::Workspace, Fault::bad_request, "segment_failed"),
    ];
    each(
        CASES,
        |case| case.0.to_owned(),
        |(_, place, fault, code)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(fault()).on(*place).always());
                let run = rig.run(&["erase", "--email", "person-0001@example.test", "--yes", "--wait"])?;
                run.exits(3)?.is("/status", "error")?.is("/tasks/0/code", *code)?;
                rig.nothing_sent()?;
                rig.mock().clear_faults();
                rig.run(&["requests", "retry", &run.text("/id")?, "--wait"])?.exits(0)?.is("/status", "complete")?;
                rig.regulated("SUPPRESS_ONLY", &["u-0001"])
            })
        },
    )
}
