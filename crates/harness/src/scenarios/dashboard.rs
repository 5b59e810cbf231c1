//! The dashboard in a real browser, as somebody uses it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::service::{REQUESTS, asks, is_first_column};
use crate::{
    assert::same,
    context::Context,
    environment,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    service::{Served, token},
    setup::Setup,
    webdriver::{self, Browser, Look},
};

scenarios! {
    /// sign in, ask, look at the plan, approve, follow to complete without a reload, reveal, download, sign out
    dashboard_from_sign_in_to_package,
    /// forms of other sites, of other sessions and without the scope do nothing
    dashboard_forms,
    /// without scripts everything is read and done, on a phone nothing is wider than the screen
    dashboard_without_scripts,
}

const COOKIE: &str = "segment_privacy_session";
pub(super) const PERSON: &str = "person-0001@example.test";

pub(super) fn setup() -> Setup {
    Setup::unify()
        .deleting()
        .replace("require_approval = false", "require_approval = true")
        .append("[evidence]\nsigning_key = { file = \"evidence.key\" }\n")
}

/// A browser is rehearsed once: what is behind the pages has scenarios of its own.
pub(super) fn lacks(context: &Context) -> Result<Option<Outcome>> {
    if !is_first_column(context) {
        return Ok(Some(Outcome::NotHere));
    }
    let is_there = webdriver::is_installed();
    ensure!(is_there || environment::var("CI").is_none(), "Chromium with its driver is not installed");
    Ok((!is_there).then(|| Outcome::Skipped("Chromium with its driver is not installed".to_owned())))
}

pub(super) fn sign_in(browser: &Browser, served: &Served, token: &str) -> Result<()> {
    browser.open(&format!("{}/", served.url()))?;
    ensure!(browser.url()?.ends_with("/dashboard/sign-in"), "it asks nobody to sign in: {}", browser.url()?);
    browser.types("#token", token)?;
    browser.presses("Sign in")?;
    browser.sees("Requests")
}

/// Keeps a picture for the documentation, where that is asked for.
fn keep(browser: &Browser, name: &str) -> Result<()> {
    if let Some(folder) = environment::var("SEGMENT_PRIVACY_IMAGES") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), browser.picture()?)?;
    }
    Ok(())
}

fn dashboard_from_sign_in_to_package(context: &Context) -> Result<Outcome> {
    if let Some(outcome) = lacks(context)? {
        return Ok(outcome);
    }
    on_rig(context, &setup(), |rig| {
        rig.run(&["key", "new", "evidence.key"])?;
        let served = Served::start(rig)?;
        for person in 2..=5 {
            served
                .call("POST", REQUESTS, Some(&json!([asks(&format!("person-000{person}@example.test"), "erasure")])))?
                .is(200)?;
        }
        let browser = Browser::start(Look::DESK)?;
        sign_in(&browser, &served, served.token())?;
        let cookie = browser.cookie(COOKIE)?;
        same("cookie", &cookie["http_only"], &json!(true))?;
        same("cookie", &cookie["same_site"], &json!("Lax"))?;

        browser.presses("New request")?;
        browser.chooses("select[name=policy]", "default_erasure_policy")?;
        browser.types("input[name=email]", PERSON)?;
        browser.presses("See what would be done")?;
        browser.sees("SUPPRESS_WITH_DELETE")?;
        keep(&browser, "plan")?;
        same("requests so far", &served.call("GET", REQUESTS, None)?.at("/total")?, &json!(4))?;
        browser.presses("Erase this person")?;
        browser.sees("pending")?;
        let id = browser.url()?.rsplit('/').next().unwrap_or_default().to_owned();
        ensure!(!browser.text()?.contains(PERSON), "it shows who it is about");

        browser.presses("Review")?;
        browser.sees(&id)?;
        keep(&browser, "review")?;
        browser.open(&format!("{}/dashboard/requests/{id}", served.url()))?;
        browser.presses("Approve")?;
        // Nothing is asked for again but by the page itself.
        browser.sees("Verified by a read-back")?;
        ensure!(browser.text()?.contains("deleted"), "{}", browser.text()?);
        same("regulations at Segment", &rig.regulations().len(), &1)?;
        keep(&browser, "request")?;
        browser.presses("Show")?;
        browser.sees(PERSON)?;
        hand_out(rig, &served, &browser, &id)?;
        look_around(&served, &browser, &id)?;
        served.stop().map(drop)
    })
}

/// The other pages, and the way out.
fn look_around(served: &Served, browser: &Browser, id: &str) -> Result<()> {
    for page in ["connections", "quotas", "reports", ""] {
        browser.open(&format!("{}/dashboard/{page}", served.url()))?;
        if page == "connections" {
            browser.presses("Test it")?;
            browser.sees("succeeded")?;
        }
        keep(browser, if page.is_empty() { "requests" } else { page })?;
    }
    // Whoever looks for a person does not leave the person's name in an address.
    browser.types("input[name=what]", PERSON)?;
    browser.presses("Search")?;
    browser.sees(id)?;
    ensure!(browser.url()?.ends_with("/dashboard/search"), "{}", browser.url()?);
    browser.presses("Sign out")?;
    browser.sees("With a token of this service")?;
    browser.open(&format!("{}/dashboard/requests/{id}", served.url()))?;
    browser.sees("Sign in")?;
    Ok(())
}

/// What a browser would save, asked for with the browser's cookie.
fn hand_out(rig: &Rig, served: &Served, browser: &Browser, id: &str) -> Result<()> {
    let cookie = format!("{COOKIE}={}", browser.cookie(COOKIE)?["value"].as_str().unwrap_or_default());
    let get = |path: &str| served.call_with("GET", path, None, &[("cookie", &cookie)]);
    let evidence = get(&format!("/dashboard/requests/{id}/evidence"))?;
    rig.write("evidence.json", &evidence.bytes)?;
    rig.run(&["evidence", "verify", "evidence.json"])?.exits(0)?;
    let asked = served.call("POST", REQUESTS, Some(&json!([asks("person-0006@example.test", "access")])))?;
    let access = asked.text_at("/succeeded/0/id")?;
    browser.open(&format!("{}/dashboard/requests/{access}", served.url()))?;
    browser.sees("Download the package")?;
    let package = get(&format!("/dashboard/requests/{access}/package"))?;
    package.is(200)?;
    let receipt = served.call("GET", &format!("{REQUESTS}/{access}"), None)?.text_at("/package/location")?;
    same("package", &package.bytes, &std::fs::read(rig.path(&receipt))?)?;
    let log = served.call("GET", &format!("{REQUESTS}/{id}/log?size=100"), None)?.text();
    ensure!(log.contains("\"step\":\"revealed\"") && log.contains("\"by\":\"everything\""), "{log}");
    Ok(())
}

fn dashboard_forms(context: &Context) -> Result<Outcome> {
    on_rig(context, &setup(), |rig| {
        let served = Served::start(rig)?;
        let id = served.call("POST", REQUESTS, Some(&json!([asks(PERSON, "erasure")])))?.text_at("/succeeded/0/id")?;
        let signed_in = |token: &str| -> Result<String> {
            let answer = served.form("/dashboard/sign-in", &[("token", token)], &[])?;
            let cookie = answer.headers.get("set-cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
            ensure!(answer.status == 303, "it answered {}: {}", answer.status, answer.text());
            Ok(cookie.split(';').next().unwrap_or_default().to_owned())
        };
        let (mine, reader) = (signed_in(served.token())?, signed_in(&token(rig, "reader", &["read"])?)?);
        let csrf = |cookie: &str| -> Result<String> {
            let page = served.call_with("GET", "/dashboard/", None, &[("cookie", cookie)])?.text();
            Ok(page
                .split("name=\"csrf\" value=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_default()
                .to_owned())
        };
        let (my_csrf, readers_csrf) = (csrf(&mine)?, csrf(&reader)?);
        let path = format!("/dashboard/requests/{id}/decide");
        let approve = |csrf: &str, headers: &[(&str, &str)]| {
            served.form(&path, &[("csrf", csrf), ("decision", "approve")], headers)
        };
        for (name, csrf, headers, status) in [
            ("nobody", my_csrf.as_str(), vec![], 303),
            ("without csrf", "", vec![("cookie", mine.as_str())], 403),
            ("with somebody else's csrf", readers_csrf.as_str(), vec![("cookie", mine.as_str())], 403),
            (
                "of another site",
                my_csrf.as_str(),
                vec![("cookie", mine.as_str()), ("origin", "https://evil.example")],
                403,
            ),
            ("of a sandboxed frame", my_csrf.as_str(), vec![("cookie", mine.as_str()), ("origin", "null")], 403),
            ("without the scope", readers_csrf.as_str(), vec![("cookie", reader.as_str())], 403),
        ] {
            same(name, &approve(csrf, &headers)?.status, &status)?;
            let stands = served.call("GET", &format!("{REQUESTS}/{id}"), None)?.text_at("/status")?;
            same(name, &stands, "pending")?;
        }
        is_closed(&served, &id, (&mine, &reader, &readers_csrf))?;
        same("approved", &approve(&my_csrf, &[("cookie", &mine)])?.status, &303)?;
        rig.run(&["token", "revoke", "reader"])?.exits(0)?;
        same("revoked", &served.call_with("GET", "/dashboard/", None, &[("cookie", &reader)])?.status, &303)?;
        served.stop().map(drop)
    })
}

/// What is neither shown nor opened.
fn is_closed(served: &Served, id: &str, (mine, reader, readers_csrf): (&str, &str, &str)) -> Result<()> {
    let reveal =
        served.form(&format!("/dashboard/requests/{id}/reveal"), &[("csrf", readers_csrf)], &[("cookie", reader)])?;
    same("reveal", &reveal.status, &403)?;
    ensure!(!reveal.text().contains(PERSON), "it shows who it is about");
    for (token, status) in [("sp_x", 401), ("", 401)] {
        same("sign in", &served.form("/dashboard/sign-in", &[("token", token)], &[])?.status, &status)?;
    }
    same(
        "sign in",
        &served.form("/dashboard/sign-in", &[("token", served.token())], &[("origin", "https://evil.example")])?.status,
        &403,
    )?;
    let script = "/dashboard/?status=<script>alert(1)</script>&page=1";
    let page = served.call_with("GET", script, None, &[("cookie", mine)])?;
    ensure!(!page.text().contains("<script>alert"), "{}", page.text());
    let policy =
        page.headers.get("content-security-policy").and_then(|policy| policy.to_str().ok()).unwrap_or_default();
    ensure!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    // The API takes no cookies, so that no form of another site reaches it.
    served.call_with("GET", REQUESTS, None, &[("cookie", mine)])?.refuses(401, "no_token")?;
    Ok(())
}

fn dashboard_without_scripts(context: &Context) -> Result<Outcome> {
    if let Some(outcome) = lacks(context)? {
        return Ok(outcome);
    }
    on_rig(context, &setup(), |rig| {
        let served = Served::start(rig)?;
        let browser = Browser::start(Look { window: (360, 2400), scripts: false, ..Look::DESK })?;
        sign_in(&browser, &served, served.token())?;
        browser.presses("New request")?;
        browser.types("input[name=email]", PERSON)?;
        browser.presses("See what would be done")?;
        browser.presses("Collect it")?;
        browser.sees("access")?;
        let id = browser.url()?.rsplit('/').next().unwrap_or_default().to_owned();
        super::service::reaches(&served, &id, "complete")?;
        for page in ["", "new", "review", "connections", "quotas", "reports", &format!("requests/{id}")] {
            browser.open(&format!("{}/dashboard/{page}", served.url()))?;
            // The driver's own scripts run all the same.
            let wide = browser.runs("return document.documentElement.scrollWidth - window.innerWidth")?;
            ensure!(wide.as_i64().is_some_and(|wide| wide <= 0), "/dashboard/{page} is {wide} wider than the screen");
        }
        keep(&browser, "phone")?;
        browser.sees("Download the package")?;
        let told: Value = served.call("GET", &format!("{REQUESTS}/{id}/log"), None)?.at("/total")?;
        ensure!(told.as_u64() > Some(1), "{told}");
        served.stop().map(drop)
    })
}
