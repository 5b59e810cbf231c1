//! What an access makes of every answer that Segment, or something before it, can give.

use std::time::Duration;

use anyhow::{Result, ensure};
use segment_mock::{CursorUrl, Endpoint, Fault, FaultRule, MockConfig, MockSegment};

use super::answers_erase::Make;
use crate::{
    assert::same,
    context::Context,
    package::Package,
    process::Run,
    rig::Rig,
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// each part of a profile fails once (429 in three forms, 500, 503, HTML, cut, truncated): asked again, whole package
    answers_access_passing,
    /// a part of a profile fails for good: exit code 3, the package is labelled, never passed as whole
    answers_access_hole,
    /// a cursor that repeats: exit code 3, the package is labelled
    answers_access_repeated_cursor,
    /// cursors without end: exit code 3, the package is labelled
    answers_access_endless_cursor,
    /// a redirect to another host is not followed: that host sees nothing
    answers_access_redirect,
    /// every form of cursor.url: it is never followed
    answers_access_cursor_url,
    /// unknown fields, missing optional fields, unknown enums, data: null, lists without cursor: taken as documented
    answers_access_tolerant,
}

/// The sixth person has events, traits and a link to an account.
fn access(rig: &Rig) -> Result<Run> {
    let email = rig.mock().people()[5].email.clone();
    rig.run(&["access", "--email", &email])
}

fn open(rig: &Rig, run: &Run) -> Result<Package> {
    Package::open(&rig.path(&run.text("/package/location")?))
}

fn answers_access_passing(context: &Context) -> Result<Outcome> {
    const WHERE: &[Endpoint] = &[
        Endpoint::ProfileMetadata,
        Endpoint::ProfileTraits,
        Endpoint::ProfileExternalIds,
        Endpoint::ProfileEvents,
        Endpoint::ProfileLinks,
    ];
    const FAULTS: &[(&str, Make)] = &[
        ("429 Retry-After", || Fault::retry_after(1)),
        ("429 msBeforeNext", || Fault::ms_before_next(300)),
        ("429 X-RateLimit-Reset", || Fault::reset_in(Duration::from_secs(1))),
        ("429 without a hint", Fault::rate_limited),
        ("500", Fault::server_error),
        ("503 in plain text", Fault::upstream),
        ("502 with HTML", || Fault::html(502)),
        ("200 with HTML", || Fault::html(200)),
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
                let run = access(rig)?;
                run.exits(0)?
                    .is("/status", "complete")?
                    .is("/tasks/0/outcome", "collected")?
                    .is("/tasks/0/findings", serde_json::json!([]))?;
                same("faults that did not happen", &rig.mock().faults_left(), &0)?;
                let package = open(rig, &run)?;
                let files = package.manifest["files"].as_array().into_iter().flatten();
                ensure!(files.into_iter().all(|file| file["complete"] == true), "a file is labelled incomplete");
                Ok(())
            })
        },
    )
}

fn answers_access_hole(context: &Context) -> Result<Outcome> {
    const CASES: &[(&str, Make)] = &[
        ("400", Fault::bad_request),
        ("401", Fault::unauthorized),
        ("403", Fault::forbidden),
        ("404", Fault::not_found),
        ("413", Fault::too_large),
        ("422", || Fault::invalid_field("limit", "is wrong")),
        ("500", Fault::server_error),
        ("HTML", || Fault::html(200)),
        ("truncated JSON", Fault::truncated_json),
        ("cut connection", Fault::cut),
    ];
    each(
        CASES,
        |case| case.0.to_owned(),
        |(_, fault)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(fault()).on(Endpoint::ProfileTraits).always());
                labelled(rig, &access(rig)?, "traits")?;
                rig.mock().clear_faults();
                let id = rig.run(&["requests", "list"])?.text("/requests/0/id")?;
                let run = rig.run(&["requests", "retry", &id])?;
                run.exits(0)?.is("/status", "complete")?;
                same("complete", &open(rig, &run)?.entry("unify/traits.json")?["complete"], &serde_json::json!(true))
            })
        },
    )
}

/// An error with a package that says what is missing; everything else is in it.
fn labelled(rig: &Rig, run: &Run, hole: &str) -> Result<()> {
    run.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "incomplete")?.finds("collection_incomplete")?;
    let package = open(rig, run)?;
    for entry in package.manifest["files"].as_array().into_iter().flatten() {
        let path = entry["path"].as_str().unwrap_or_default();
        // Its files, its pages of the report, and the overview, which shows it.
        let of_hole = |end: &str| path.starts_with(&format!("unify/{hole}{end}"));
        let holed = of_hole(".") || of_hole("-0") || path == "index.html";
        ensure!(entry["complete"] == !holed, "{path}: complete is {}", entry["complete"]);
        ensure!(!holed || entry["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{path} gives no reason");
    }
    Ok(())
}

fn answers_access_repeated_cursor(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().fault(FaultRule::new(Fault::repeated_cursor()).on(Endpoint::ProfileEvents).always());
        labelled(rig, &access(rig)?, "events")
    })
}

fn answers_access_endless_cursor(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().fault(FaultRule::new(Fault::endless_cursor()).on(Endpoint::ProfileEvents).always());
        labelled(rig, &access(rig)?, "events")
    })
}

fn answers_access_redirect(context: &Context) -> Result<Outcome> {
    const STATUSES: &[u16] = &[301, 302, 307, 308];
    each(STATUSES, ToString::to_string, |status| {
        on_rig(context, &Setup::unify(), |rig| {
            let other = MockSegment::start(MockConfig::new().profiles(8))?;
            rig.mock()
                .fault(FaultRule::new(Fault::redirect(*status, other.url())).on(Endpoint::ProfileMetadata).always());
            let run = access(rig)?;
            run.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "segment_failed")?;
            ensure!(run.text("/tasks/0/message")?.contains("redirect"), "{}", run.shown());
            same("requests at the other host", &other.requests().len(), &0)
        })
    })
}

fn answers_access_cursor_url(context: &Context) -> Result<Outcome> {
    let other = MockSegment::start(MockConfig::new())?;
    let forms = [CursorUrl::Absolute, CursorUrl::AbsoluteOn(other.url()), CursorUrl::Relative, CursorUrl::Empty];
    let outcome = each(
        &forms,
        |form| format!("{form:?}"),
        |form| {
            let small = segment_mock::PageDefaults::default().traits(2).external_ids(1).events(1);
            on_rig(context, &Setup::unify().mock(|mock| mock.cursor_url(form.clone()).pages(small)), |rig| {
                let run = access(rig)?;
                run.exits(0)?.is("/status", "complete")?;
                open(rig, &run).map(drop)
            })
        },
    )?;
    same("requests at the other host", &other.requests().len(), &0)?;
    Ok(outcome)
}

fn answers_access_tolerant(context: &Context) -> Result<Outcome> {
    const CASES: &[(&str, Endpoint, Make)] = &[
        ("unknown fields", Endpoint::ProfileEvents, Fault::extra_fields),
        ("unknown fields of traits", Endpoint::ProfileTraits, Fault::extra_fields),
        ("no optional fields", Endpoint::ProfileExternalIds, Fault::missing_optional_fields),
        ("no optional fields of metadata", Endpoint::ProfileMetadata, Fault::missing_optional_fields),
        ("unknown enums", Endpoint::ProfileExternalIds, Fault::unknown_enums),
        ("no cursor", Endpoint::ProfileLinks, Fault::missing_cursor),
        ("data: null", Endpoint::ProfileEvents, Fault::null_data),
        ("no links", Endpoint::ProfileLinks, Fault::null_data),
    ];
    each(
        CASES,
        |case| case.0.to_owned(),
        |(_, place, fault)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().fault(FaultRule::new(fault()).on(*place).always());
                let run = access(rig)?;
                run.exits(0)?.is("/status", "complete")?;
                open(rig, &run).map(drop)
            })
        },
    )
}
