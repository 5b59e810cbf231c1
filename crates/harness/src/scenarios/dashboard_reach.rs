//! Who can use the dashboard and the description of the API: with light and dark screens, and without a mouse.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{
    dashboard::{PERSON, lacks, setup, sign_in},
    service::{REQUESTS, asks},
};
use crate::{
    assert::same,
    context::Context,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    service::Served,
    webdriver::{Browser, Look},
};

scenarios! {
    /// every text of every page stands out from what is behind it, on light and on dark screens
    dashboard_contrast,
    /// a keyboard is enough: sign in, ask, look at the plan, confirm, approve, search, sign out
    dashboard_by_keyboard,
    /// the description of the API is read and tried in a browser, and nothing is loaded from elsewhere
    documentation_in_a_browser,
}

/// Answers with each text that stands out too little, and with how many texts were looked at.
const CONTRAST: &str = include_str!("contrast.js");

/// Requests that are complete, wait for a decision, and were denied.
fn fill(served: &Served) -> Result<Vec<String>> {
    let bodies = ["access", "erasure"].map(|rule| asks(PERSON, rule));
    let mut ids = Vec::new();
    for body in bodies {
        ids.push(served.call("POST", REQUESTS, Some(&json!([body])))?.text_at("/succeeded/0/id")?);
    }
    super::service::reaches(served, &ids[0], "complete")?;
    let denied = served.call("POST", REQUESTS, Some(&json!([asks("person-0002@example.test", "erasure")])))?;
    ids.push(denied.text_at("/succeeded/0/id")?);
    let decision = json!({"request_ids": [&ids[2]], "reason": "not the person"});
    served.call("PATCH", &format!("{REQUESTS}/administrate/deny"), Some(&decision))?.is(200)?;
    Ok(ids)
}

fn dashboard_contrast(context: &Context) -> Result<Outcome> {
    if let Some(outcome) = lacks(context)? {
        return Ok(outcome);
    }
    on_rig(context, &setup(), |rig| {
        let served = Served::start(rig)?;
        let ids = fill(&served)?;
        for dark in [false, true] {
            let browser = Browser::start(Look { dark, ..Look::DESK })?;
            browser.open(&format!("{}/dashboard/sign-in", served.url()))?;
            let prefers = browser.runs("return matchMedia('(prefers-color-scheme: dark)').matches")?;
            same("a dark screen is preferred", &prefers, &json!(dark))?;
            stands_out(&browser, "sign-in")?;
            sees_what_is_pale(&browser)?;
            sign_in(&browser, &served, served.token())?;
            let requests = ids.iter().map(|id| format!("requests/{id}"));
            for page in
                ["", "new", "review", "connections", "quotas", "reports"].map(str::to_owned).into_iter().chain(requests)
            {
                browser.open(&format!("{}/dashboard/{page}", served.url()))?;
                stands_out(&browser, &page)?;
            }
        }
        served.stop().map(drop)
    })
}

fn stands_out(browser: &Browser, page: &str) -> Result<()> {
    let found = browser.runs(CONTRAST)?;
    ensure!(found["texts"].as_u64() > Some(3), "there is nothing to read on /dashboard/{page}: {found}");
    same(&format!("what is hard to read on /dashboard/{page}"), &found["pale"], &json!([]))
}

/// The check itself: it sees a text that is hard to read.
fn sees_what_is_pale(browser: &Browser) -> Result<()> {
    browser.runs(
        "const it = document.createElement('p'); it.textContent = 'pale'; it.style.color = '#888'; \
         it.style.background = '#999'; document.body.append(it)",
    )?;
    let found = browser.runs(CONTRAST)?;
    let pale: Vec<_> = found["pale"].as_array().into_iter().flatten().collect();
    ensure!(pale.len() == 1 && pale[0]["text"] == "pale", "{found}");
    Ok(())
}

fn dashboard_by_keyboard(context: &Context) -> Result<Outcome> {
    if let Some(outcome) = lacks(context)? {
        return Ok(outcome);
    }
    on_rig(context, &setup(), |rig| {
        let served = Served::start(rig)?;
        let browser = Browser::start(Look::DESK)?;
        browser.open(&format!("{}/", served.url()))?;
        browser.tabs_to("token")?;
        browser.keys(served.token())?;
        browser.enters()?;
        browser.sees("Requests")?;
        ask(&browser, rig)?;
        let id = browser.url()?.rsplit('/').next().unwrap_or_default().to_owned();
        browser.tabs_to("Approve")?;
        browser.enters()?;
        browser.sees("Verified by a read-back")?;
        browser.tabs_to("Requests")?;
        browser.enters()?;
        browser.sees(&id)?;
        browser.tabs_to("what")?;
        browser.keys(PERSON)?;
        browser.enters()?;
        browser.sees(&id)?;
        browser.tabs_to("Sign out")?;
        browser.enters()?;
        browser.sees("With a token of this service")?;
        served.stop().map(drop)
    })
}

fn documentation_in_a_browser(context: &Context) -> Result<Outcome> {
    if let Some(outcome) = lacks(context)? {
        return Ok(outcome);
    }
    on_rig(context, &setup(), |rig| {
        let served = Served::start(rig)?;
        let browser = Browser::start(Look::DESK)?;
        browser.open(&format!("{}/docs", served.url()))?;
        browser.sees("/api/v1/privacy-request/{id}")?;
        browser.clicks("#operations-operations-health button")?;
        browser.sees("Whether the process is alive")?;
        browser.presses("Execute")?;
        browser.sees("\"worker\": \"ok\"")?;
        let elsewhere = browser.runs(
            "return performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:'))",
        )?;
        same("what is loaded from elsewhere", &elsewhere, &json!([]))?;
        served.stop().map(drop)
    })
}

/// From the list to the page of a new request.
fn ask(browser: &Browser, rig: &Rig) -> Result<()> {
    // The first stop of a page jumps over what is the same on all of them.
    browser.tabs_to("New request")?;
    browser.enters()?;
    browser.sees("See what would be done")?;
    browser.tabs_to("policy")?;
    browser.keys("erasure")?;
    browser.tabs_to("email")?;
    browser.keys(PERSON)?;
    browser.tabs_to("See what would be done")?;
    browser.enters()?;
    browser.sees("SUPPRESS_WITH_DELETE")?;
    same("regulations before anybody confirmed", &rig.regulations().len(), &0)?;
    browser.tabs_to("Erase this person")?;
    browser.enters()?;
    browser.sees("pending")
}
