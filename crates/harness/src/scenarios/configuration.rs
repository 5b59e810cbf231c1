//! Configurations that must be refused before anything is asked or written.

use anyhow::Result;

use crate::{
    context::{Api, Context},
    database::own_sqlite,
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// wrong configurations: each is exit code 2 with a code, the place and the way out; nothing is asked, nothing written
    configuration_refused,
    /// a type of regulation that the Config API lacks: refused at start, by its name
    configuration_lacking,
    /// environment variables override the file, and misspelt ones are errors
    configuration_environment,
    /// commands without a configuration say how to make one; wrong flags are exit code 2
    configuration_missing,
}

/// A change to a good configuration, and what is said to it.
struct Case {
    name: &'static str,
    from: &'static str,
    to: &'static str,
    code: &'static str,
    words: &'static [&'static str],
}

const fn case(
    name: &'static str,
    (from, to): (&'static str, &'static str),
    code: &'static str,
    words: &'static [&'static str],
) -> Case {
    Case { name, from, to, code, words }
}

const INVALID: &str = "config_invalid";
const SAME_WORKSPACE: &str = "
[[connections]]
key = \"again\"
kind = \"segment_unify\"
api = \"{api}\"
domain = \"{url}\"
workspace = \"acme\"
access_token = \"t\"
space_id = \"spa_2\"
access_secret = \"s\"
";

const CASES: &[Case] = &[
    case("misspelt key", ("masking_strict", "masking_stict"), INVALID, &["line 5", "masking_stict", "masking_strict"]),
    case("misspelt section", ("[tracking]", "[traking]"), INVALID, &["traking", "tracking"]),
    case("misspelt key of a connection", ("space_id", "spaceid"), INVALID, &["spaceid", "space_id"]),
    case("no boolean", ("masking_strict = true", "masking_strict = \"yes\""), INVALID, &["line 5"]),
    case("no time span", ("settle = \"300ms\"", "settle = \"soon\""), INVALID, &["soon", "30s"]),
    case("no TOML", ("[execution]", "[execution"), INVALID, &["line 4"]),
    case("lease too short", ("lease = \"2s\"", "lease = \"10ms\""), INVALID, &["worker.lease", "1s"]),
    case("no such type", ("masking_strict = true", "regulation = \"delete_all\""), INVALID, &["delete_all"]),
    case(
        "type that deletes nothing",
        ("masking_strict = true", "regulation = \"suppress_only\""),
        INVALID,
        &["deletes nothing"],
    ),
    case(
        "foreign domain",
        ("\ndomain = \"{url}\"", "\ndomain = \"segment.evil.example\""),
        INVALID,
        &["evil.example", "unify"],
    ),
    case(
        "look-alike domain",
        ("\ndomain = \"{url}\"", "\ndomain = \"api.segmentapis.com.evil.example\""),
        INVALID,
        &["evil.example"],
    ),
    case(
        "plain http",
        ("\ndomain = \"{url}\"", "\ndomain = \"http://api.segmentapis.com\""),
        INVALID,
        &["http", "domain"],
    ),
    case(
        "plain http for profiles",
        ("profiles_domain = \"{url}\"", "profiles_domain = \"http://profiles.segment.com\""),
        INVALID,
        &["profiles_domain"],
    ),
    case(
        "a path in the domain",
        ("\ndomain = \"{url}\"", "\ndomain = \"api.segmentapis.com/v1\""),
        INVALID,
        &["domain"],
    ),
    case("no workspace", ("workspace = \"acme\"", ""), INVALID, &["workspace", "unify"]),
    case("no space", ("space_id = \"spa_mock\"", ""), INVALID, &["space_id"]),
    case("no token", ("access_token = { file = \"token\" }", ""), INVALID, &["access_token"]),
    case(
        "basic without dataset",
        ("kind = \"segment_unify\"", "kind = \"segment\""),
        INVALID,
        &["segment_user_id", "[[datasets]]"],
    ),
    case("the same workspace twice", ("", SAME_WORKSPACE), INVALID, &["unify", "again", "same host and workspace"]),
    case(
        "the same key twice",
        (
            "",
            "\n[[connections]]\nkey = \"unify\"\nkind = \"segment_unify\"\ndomain = \"api.segmentapis.com\"\nworkspace = \"x\"\naccess_token = \"t\"\nspace_id = \"s\"\naccess_secret = \"s\"\n",
        ),
        INVALID,
        &["twice"],
    ),
    case(
        "the Config API in the EU",
        ("api = \"{api}\"\ndomain = \"{url}\"", "region = \"eu\"\ndomain = \"platform.segmentapis.com\""),
        INVALID,
        &["unify", "Config API", "eu1.api.segmentapis.com"],
    ),
    case(
        "an API that the domain does not speak",
        ("api = \"{api}\"\ndomain = \"{url}\"", "api = \"public\"\ndomain = \"platform.segmentapis.com\""),
        INVALID,
        &["unify", "public", "platform.segmentapis.com"],
    ),
    case("no API on loopback", ("api = \"{api}\"\n", ""), INVALID, &["unify", "api = \"config\""]),
    case(
        "dataset that is not there",
        ("space_id", "segment_user_id = \"shop.customer.id\"\nspace_id"),
        "dataset_missing",
        &["shop", "[[datasets]]"],
    ),
];

fn configuration_refused(context: &Context) -> Result<Outcome> {
    each(CASES, |case| case.name.to_owned(), |case| refused(context, case))
}

fn refused(context: &Context, case: &Case) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let place = |text: &str| text.replace("{url}", &rig.mock().url()).replace("{api}", rig.api().name());
        if case.from.is_empty() {
            rig.reconfigure("[worker]", &format!("{}\n[worker]", place(case.to)))?;
        } else {
            rig.reconfigure(&place(case.from), &place(case.to))?;
        }
        let email = rig.mock().people()[0].email.clone();
        let commands: [&[&str]; 5] = [
            &["check"],
            &["access", "--email", &email],
            &["erase", "--email", &email, "--yes"],
            &["worker"],
            &["requests", "list"],
        ];
        for command in commands {
            rig.run(command)?.fails(2, case.code, case.words)?;
        }
        rig.nothing_asked()?;
        rig.nothing_written()
    })
}

fn configuration_lacking(context: &Context) -> Result<Outcome> {
    if context.api() == Api::Public {
        return Ok(Outcome::NotHere);
    }
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let lacking = "masking_strict = false\nregulation = \"suppress_with_delete_internal\"";
        rig.reconfigure("masking_strict = false", lacking)?;
        let words = &["unify", "Config API", "SUPPRESS_WITH_DELETE_INTERNAL", "delete_internal"];
        rig.run(&["worker"])?.fails(2, INVALID, words)?;
        rig.nothing_asked()
    })
}

fn configuration_environment(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let run = |name: &str, value: &str| rig.call(&["config", "show"]).env(name, value).run();
        let show = run("SEGMENT_PRIVACY__EXECUTION__MASKING_STRICT", "false")?;
        show.exits(0)?.is("/execution/masking_strict", false)?;
        let token = run("SEGMENT_PRIVACY__CONNECTIONS__UNIFY__ACCESS_TOKEN", "an-overriding-token")?;
        rig.keep_private("an-overriding-token");
        token.exits(0)?;
        run("SEGMENT_PRIVACY__EXECUTION__MASKING_STICT", "false")?.fails(2, INVALID, &["masking_strict"])?;
        run("SEGMENT_PRIVACY__CONNECTIONS__UNIFI__WORKSPACE", "x")?.fails(2, INVALID, &["UNIFY"])?;
        rig.nothing_asked()
    })
}

fn configuration_missing(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::basic(), |rig| {
        own_sqlite(rig, &[(880_000_001, "ann@shop.example")])?;
        let missing = ["--config", "nowhere.toml", "check"];
        rig.run(&missing)?.fails(2, "config_missing", &["nowhere.toml", "segment-privacy init"])?;
        rig.run(&["erase", "--everybody"])?.exits(2)?;
        rig.run(&["erase", "--email", "ann@shop.example", "--wait", "--no-wait", "--yes"])?.exits(2)?;
        rig.run(&["check", "--connection", "nothing"])?.fails(2, "no_connection", &["nothing"])?;
        rig.run(&["erase", "--email", "ann@shop.example", "--connection", "nothing", "--yes"])?.fails(
            2,
            "no_connection",
            &["nothing"],
        )?;
        rig.nothing_asked()
    })
}
