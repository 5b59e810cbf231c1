//! Tokens that are missing, wrong, or somebody else's.

use std::net::TcpListener;

use anyhow::{Result, ensure};
use segment_mock::Permission;

use crate::{
    context::Context,
    rig::Rig,
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// missing, empty and malformed secrets: exit code 2, named, nothing asked and nothing written; check fails by name
    credentials_missing,
    /// tokens of the wrong kind: check is exit code 5 and says which one; access and erase end in an error, nothing is sent
    credentials_wrong_kind,
    /// a token without the permission, answered 401 or 403: check is exit code 5, erase ends in an error
    credentials_without_permission,
    /// a token of another workspace: check is exit code 5, erase needs a human, and nothing is ever POSTed
    credentials_other_workspace,
    /// a proxy in the environment: credentials go to the configured host only, and the proxy hears nothing
    credentials_ambient_proxy,
}

const MISSING: &[(&str, &str, &str, &[&str])] = &[
    ("no variable", "{ env = \"NOT_SET_ANYWHERE\" }", "secret_missing", &["access_token", "unify", "NOT_SET_ANYWHERE"]),
    ("no file", "{ file = \"no-such-file\" }", "secret_missing", &["access_token", "no-such-file"]),
    ("empty", "\"\"", "secret_missing", &["access_token", "empty"]),
    ("empty file", "{ file = \"empty\" }", "secret_missing", &["access_token", "empty"]),
    ("two lines", "\"first\\nsecond\"", "secret_malformed", &["access_token", "line"]),
];

fn credentials_missing(context: &Context) -> Result<Outcome> {
    each(
        MISSING,
        |case| case.0.to_owned(),
        |(_, value, code, words)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.write("empty", "\n")?;
                rig.reconfigure("access_token = { file = \"token\" }", &format!("access_token = {value}"))?;
                let email = rig.mock().people()[0].email.clone();
                let commands: [&[&str]; 2] = [&["access", "--email", &email], &["erase", "--email", &email, "--yes"]];
                for command in commands {
                    rig.run(command)?.fails(2, code, words)?;
                }
                rig.nothing_asked()?;
                rig.nothing_written()?;
                // A test says it like everything else that fails.
                for word in *words {
                    fails_check(rig, "configuration", word)?;
                }
                rig.nothing_asked()
            })
        },
    )
}

/// The check with this name failed, and gives this advice.
fn fails_check(rig: &Rig, name: &str, advice: &str) -> Result<()> {
    let run = rig.run(&["check"])?;
    run.exits(5)?.is("/connections/0/status", "failed")?;
    let checks = run.at("/connections/0/checks")?;
    let check =
        checks.as_array().into_iter().flatten().find(|check| check["name"] == name && check["status"] == "failed");
    let Some(check) = check else { anyhow::bail!("{}the check {name} did not fail", run.shown()) };
    ensure!(
        check["message"].as_str().is_some_and(|message| message.contains(advice)),
        "{}no advice on {advice}",
        run.shown()
    );
    Ok(())
}

fn credentials_wrong_kind(context: &Context) -> Result<Outcome> {
    const KINDS: &[&str] = &["the access secret as token", "a foreign token", "a foreign access secret"];
    each(
        KINDS,
        |kind| (*kind).to_owned(),
        |kind| {
            on_rig(context, &Setup::unify(), |rig| {
                let email = rig.mock().people()[0].email.clone();
                let (file, check, advice) = match *kind {
                    "a foreign access secret" => ("secret", "profile api", "access_secret"),
                    _ => ("token", "workspace", "access_token"),
                };
                let foreign = if *kind == "the access secret as token" {
                    rig.mock().profile_token()
                } else {
                    "some-foreign-token"
                };
                rig.keep_private(foreign);
                rig.write(file, foreign)?;
                fails_check(rig, check, advice)?;
                let erase = rig.run(&["erase", "--email", &email, "--yes"])?;
                erase.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "unauthorized")?;
                let access = rig.run(&["access", "--email", &email])?;
                if file == "secret" {
                    access.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "unauthorized")?;
                    ensure!(access.at("/package")?.is_null(), "{}", access.shown());
                    ensure!(rig.packages()?.is_empty(), "something was left among the packages");
                } else {
                    // An access needs the Profile API only.
                    access.exits(0)?;
                }
                rig.nothing_sent()
            })
        },
    )
}

fn credentials_without_permission(context: &Context) -> Result<Outcome> {
    const PERMISSIONS: &[Permission] = &[Permission::DeniedWith401, Permission::DeniedWith403];
    each(
        PERMISSIONS,
        |permission| format!("{permission:?}"),
        |permission| {
            on_rig(context, &Setup::unify().mock(|mock| mock.permission(*permission)), |rig| {
                fails_check(rig, "suppressions", "Workspace Owner")?;
                let email = rig.mock().people()[0].email.clone();
                let run = rig.run(&["erase", "--email", &email, "--yes"])?;
                run.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "unauthorized")?;
                ensure!(rig.mock().regulations().is_empty(), "a regulation exists");
                Ok(())
            })
        },
    )
}

fn credentials_other_workspace(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().replace("workspace = \"acme\"", "workspace = \"acme-staging\""), |rig| {
        fails_check(rig, "workspace", "acme-staging")?;
        let email = rig.mock().people()[0].email.clone();
        rig.run(&["erase", "--email", &email, "--yes", "--wait"])?.needs_human("wrong_workspace")?;
        rig.run(&["suppress", "--user-id", "u-0001", "--yes"])?.needs_human("wrong_workspace")?;
        let id = rig.run(&["requests", "list"])?.text("/requests/0/id")?;
        rig.run(&["requests", "retry", &id])?.needs_human("wrong_workspace")?;
        rig.nothing_sent()?;
        // Corrected, it goes on.
        rig.reconfigure("workspace = \"acme-staging\"", "workspace = \"acme\"")?;
        rig.run(&["requests", "retry", &id, "--wait"])?.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}

fn credentials_ambient_proxy(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let proxy = TcpListener::bind("127.0.0.1:0")?;
        proxy.set_nonblocking(true)?;
        let url = format!("http://{}", proxy.local_addr()?);
        let email = rig.mock().people()[0].email.clone();
        let call = rig.call(&["access", "--email", &email]);
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        names.iter().fold(call, |call, name| call.env(name, &url)).run()?.exits(0)?;
        ensure!(proxy.accept().is_err(), "something was sent to the proxy");
        Ok(())
    })
}
