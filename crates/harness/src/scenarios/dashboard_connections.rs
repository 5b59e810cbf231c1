//! The connections page: what `connections …` does, by forms.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::{
    assert::{same, until},
    context::Context,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    service::{Served, token},
    setup::Setup,
};

scenarios! {
    /// a connection is added, tested, edited, disabled, enabled and removed; its secrets never come back
    dashboard_manages_connections,
    /// what does not fit is refused in words, and nothing is changed; another host wants its secrets anew
    dashboard_refuses_connections,
}

const HIDDEN: &str = "type=\"hidden\" name=\"csrf\" value=\"";

/// Somebody who is signed in.
struct Visitor<'a> {
    served: &'a Served,
    cookie: String,
    csrf: String,
}

impl<'a> Visitor<'a> {
    fn new(served: &'a Served, token: &str) -> Result<Self> {
        let answer = served.form("/dashboard/sign-in", &[("token", token)], &[])?;
        let cookie = answer.headers.get("set-cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let visitor = Self { served, cookie, csrf: String::new() };
        let page = visitor.page("connections")?;
        let csrf = page.split(HIDDEN).nth(1).and_then(|rest| rest.split('"').next()).context("no csrf")?;
        Ok(Self { csrf: csrf.to_owned(), ..visitor })
    }

    fn page(&self, path: &str) -> Result<String> {
        Ok(self.served.call_with("GET", &format!("/dashboard/{path}"), None, &[("cookie", &self.cookie)])?.text())
    }

    /// Sends a form; where it leads, or why it was refused.
    fn sends(&self, path: &str, fields: &[(&str, &str)]) -> Result<(u16, String)> {
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", self.csrf.as_str())]).collect();
        let answer =
            self.served.form(&format!("/dashboard/connections/{path}"), &fields, &[("cookie", &self.cookie)])?;
        let to = answer.headers.get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
        Ok((answer.status, to.unwrap_or_else(|| answer.text())))
    }

    fn does(&self, path: &str, fields: &[(&str, &str)]) -> Result<()> {
        let (status, said) = self.sends(path, fields)?;
        ensure!(status == 303, "{path}: {status} {said}");
        Ok(())
    }

    fn is_refused(&self, path: &str, fields: &[(&str, &str)], words: &str) -> Result<()> {
        let (status, said) = self.sends(path, fields)?;
        ensure!((400..500).contains(&status) && said.contains(words), "{path}: {status} {said}");
        Ok(())
    }
}

/// What the form of a new connection says.
fn typed(rig: &Rig) -> Vec<(&'static str, String)> {
    let api = if rig.api() == crate::context::Api::Public { "public" } else { "config" };
    vec![
        ("key", "second".to_owned()),
        ("kind", "segment_unify".to_owned()),
        ("api", api.to_owned()),
        ("domain", rig.mock().url()),
        ("profiles-domain", rig.mock().url()),
        ("workspace", rig.mock().workspace_slug().to_owned()),
        ("access-token", rig.token().to_owned()),
        ("space-id", rig.mock().space_id().to_owned()),
        ("access-secret", rig.mock().profile_token().to_owned()),
        ("monthly-users", String::new()),
    ]
}

fn dashboard_manages_connections(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unconnected(), |rig| {
        let served = Served::start(rig)?;
        let visitor = Visitor::new(&served, served.token())?;
        let blank = visitor.page("connections/new?kind=segment")?;
        ensure!(
            blank.contains("segment-user-id <strong>(required)</strong>") && !blank.contains("space-id"),
            "{blank}"
        );
        let form = typed(rig);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        visitor.does("new", &form)?;
        visitor.does("second/test", &[])?;
        let page = visitor.page("connections/second")?;
        ensure!(page.contains("status-succeeded") && page.contains("default: 110000"), "{page}");
        for secret in [rig.token(), rig.mock().profile_token()] {
            ensure!(!page.contains(secret), "a secret comes back");
        }
        let erase = || {
            served.call(
                "POST",
                super::service::REQUESTS,
                Some(&json!([super::service::asks("person-0001@example.test", "erasure")])),
            )
        };
        until("it takes requests", || erase().is_ok_and(|answer| answer.text_at("/succeeded/0/id").is_ok()))?;
        visitor.does("second/edit", &[("monthly-users", "77")])?;
        let shown = rig.run(&["connections", "show", "second"])?.json()?;
        let of = |name: &str| shown["fields"].as_array().into_iter().flatten().find(|one| one["name"] == name).cloned();
        same("limit", &of("monthly-users").context("no such field")?["value"], &json!("77"))?;
        ensure!(of("access-token").is_some_and(|one| one["value"] != json!(null)), "the secret is gone: {shown}");
        visitor.does("second/disable", &[])?;
        same("enabled", &rig.run(&["connections", "show", "second"])?.at("/enabled")?, &json!(false))?;
        visitor.does("second/enable", &[])?;
        let reader = Visitor::new(&served, &token(rig, "reader", &["read"])?)?;
        let (status, _) = reader.sends("second/disable", &[])?;
        same("without the scope", &status, &403)?;
        let (status, _) = reader.sends("new", &form)?;
        same("without the scope", &status, &403)?;
        rig.keep_private(rig.token());
        served.stop().map(drop)
    })
}

fn dashboard_refuses_connections(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let visitor = Visitor::new(&served, served.token())?;
        let form = typed(rig);
        let with = |name: &str, value: &'static str| -> Vec<(&'static str, String)> {
            form.iter()
                .map(|(known, old)| if *known == name { (*known, value.to_owned()) } else { (*known, old.clone()) })
                .collect()
        };
        for (fields, words) in [
            (with("key", "unify"), "configuration file"),
            (with("key", "a b"), "letters, digits"),
            (with("kind", "stripe"), "segment_unify"),
            (with("workspace", ""), "workspace"),
            (with("access-token", ""), "access-token"),
            (with("access-token", "env:HOME"), "the secret itself"),
            (with("access-secret", "file:key"), "the secret itself"),
            (with("monthly-users", "many"), "whole number"),
            (with("domain", "evil.example"), "evil.example"),
            (with("key", "second"), "same host and workspace"),
        ] {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            visitor.is_refused("new", &fields, words)?;
        }
        visitor.is_refused("unify/edit", &[("monthly-users", "1")], "configuration file")?;
        visitor.is_refused("none/remove", &[], "no connection none")?;
        same(
            "connections",
            &rig.run(&["connections", "list"])?.at("/connections")?.as_array().map(Vec::len),
            &Some(1),
        )?;
        // Another workspace may be beside it; where its secrets go is not changed without them.
        let other = with("workspace", "other");
        let other: Vec<_> = other.iter().map(|(name, value)| (*name, value.as_str())).collect();
        visitor.does("new", &other)?;
        let elsewhere = [("domain", "http://127.0.0.1:9"), ("profiles-domain", "http://127.0.0.1:9")];
        visitor.is_refused("second/edit", &elsewhere, "type the secrets")?;
        visitor.does(
            "second/edit",
            &[&elsewhere[..], &[("access-token", "another"), ("access-secret", "another")]].concat(),
        )?;
        visitor.does("second/remove", &[])?;
        ensure!(!visitor.page("connections")?.contains("second"), "it is still there");
        served.stop().map(drop)
    })
}
