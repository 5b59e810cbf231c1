//! What the person receives, and what the regulator can check.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use segment_mock::{Event, Profile};
use serde_json::{Value, json};

use crate::{
    assert::same,
    browser,
    context::Context,
    environment,
    package::{EVIDENCE, Package, fits},
    rig::Rig,
    s3::S3Server,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// the report opens in Chromium offline, with and without scripts: no error, nothing loaded, and what people write stays text
    report_in_a_browser,
    /// access --recipient: the standard age tool opens the package with the key, and nothing plain is left
    package_for_a_recipient,
    /// package verify names a file that was changed, and asks for an encrypted one to be decrypted
    package_verified,
    /// packages go to a bucket, are linked for a while, and go with their retention; one that is gone is an error that names it
    package_in_a_bucket,
    /// evidence of an erasure is checked without a database, also after the retention; a changed one is named
    evidence_of_an_erasure,
    /// a certificate is for an erasure that is complete, and has erased something
    certificate_of_an_erasure,
    /// report counts requests by what became of them, as table, CSV and JSON
    report_over_requests,
}

const EVIL: &str = "<script>document.title = 'owned'</script><img src=https://evil.example/x.png>";

fn person() -> Profile {
    let mut profile = Profile::new("use_hand")
        .external_id("email", "hand@shop.example")
        .external_id("user_id", "u-hand")
        .trait_("note", EVIL)
        .trait_("balance", json!(9_007_199_254_740_993_u64))
        .audience("big_spenders", true)
        .computed_trait("orders_30d", 7);
    for at in 0..12_u64 {
        let name = if at % 3 == 0 { "Order Completed" } else { "Page Viewed" };
        let event = Event::track(name).properties(json!({"n": at, "note": EVIL}));
        profile = profile.event(event.ago(std::time::Duration::from_hours(at * 24 + 1)));
    }
    profile
}

fn access(rig: &Rig, more: &[&str]) -> Result<crate::process::Run> {
    rig.mock().add_profile(person());
    rig.keep_private("hand@shop.example");
    let run = rig.run(&[&["access", "--email", "hand@shop.example"], more].concat())?;
    run.exits(0)?;
    Ok(run)
}

/// Without a program that is not ours a scenario is skipped, but where everything has to be there.
fn lacks(what: &str, is_there: bool) -> Result<Option<Outcome>> {
    ensure!(is_there || environment::var("CI").is_none(), "{what} is not installed");
    Ok((!is_there).then(|| Outcome::Skipped(format!("{what} is not installed"))))
}

fn report_in_a_browser(context: &Context) -> Result<Outcome> {
    if let Some(skipped) = lacks("Chromium", browser::installed().is_some())? {
        return Ok(skipped);
    }
    on_rig(context, &Setup::unify(), |rig| {
        let run = access(rig, &[])?;
        let package = Package::open(&rig.path(&run.text("/package/location")?))?;
        let traits = String::from_utf8(package.bytes("unify/traits.csv")?.to_vec())?;
        ensure!(traits.contains("balance,9007199254740993,"), "{traits}");
        let folder = tempfile::tempdir()?;
        let control = "<script>console.error('here')</script><img src=http://127.0.0.1:9/x.png>";
        std::fs::write(folder.path().join("control.html"), control)?;
        let visit = browser::open(&folder.path().join("control.html"))?;
        ensure!(
            !visit.console.is_empty() && visit.requests == ["http://127.0.0.1:9/x.png"],
            "would not be seen: {visit:?}"
        );
        package.unpack(folder.path())?;
        for (page, words) in [
            ("index.html", &["hand@shop.example", "Audience: a group", "Calculated from", "12 events", "14 days"][..]),
            ("unify/events-0001.html", &["Order Completed", "Page Viewed"][..]),
        ] {
            for scripts in [true, false] {
                let file = folder.path().join(page);
                if !scripts {
                    without_script(&file)?;
                }
                let visit = browser::open(&file)?;
                ensure!(visit.console.is_empty(), "{page}: {:?}", visit.console);
                ensure!(visit.requests.is_empty(), "{page} asked for {:?}", visit.requests);
                for word in words {
                    ensure!(visit.dom.contains(word), "{page} does not show {word}: {}", visit.dom);
                }
                ensure!(visit.dom.contains("&lt;script&gt;document.title"), "{page}: the note is not text");
                ensure!(!visit.dom.contains("<title>owned") && !visit.dom.contains("<img"), "{page}: the note ran");
                // The filter is there where its script can run, which the policy allows by its hash.
                let hidden = visit.dom.contains("<div class=\"filter\" hidden");
                let shown = visit.dom.contains("<div class=\"filter\">");
                let filter = page.contains("events");
                ensure!((hidden, shown) == (filter && !scripts, filter && scripts), "{page}: the filter");
            }
        }
        Ok(())
    })
}

/// Chromium shows no document of a page in which nothing may run; one without its script is the same to read.
fn without_script(file: &Path) -> Result<()> {
    let html = std::fs::read_to_string(file)?;
    let (before, rest) = html.split_once("<script>").context("the page has no script")?;
    let (_, after) = rest.split_once("</script>").context("the script has no end")?;
    Ok(std::fs::write(file, format!("{before}{after}"))?)
}

fn package_for_a_recipient(context: &Context) -> Result<Outcome> {
    if let Some(skipped) = lacks("age", browser::answers("age") && browser::answers("age-keygen"))? {
        return Ok(skipped);
    }
    on_rig(context, &Setup::unify(), |rig| {
        let refused = rig.run(&["access", "--email", "hand@shop.example", "--recipient", "age1nobody"])?;
        refused.fails(2, "recipient_refused", &["age-keygen", "nothing was recorded"])?;
        let key = rig.path("person.key");
        let made = Command::new("age-keygen").arg("-o").arg(&key).output()?;
        let told = String::from_utf8(made.stderr)?;
        let public = told.trim().rsplit(' ').next().context("age-keygen said nothing")?.to_owned();
        let run = access(rig, &["--recipient", &public])?;
        let location = rig.path(&run.text("/package/location")?);
        ensure!(location.to_string_lossy().ends_with(".zip.age"), "{}", location.display());
        same("the packages", &rig.packages()?, &vec![location.clone()])?;
        let stored = std::fs::read(&location)?;
        same("bytes", &run.at("/package/bytes")?, &json!(stored.len()))?;
        rig.run(&["package", "verify", &location.display().to_string()])?.fails(5, "package_invalid", &["age"])?;
        let plain = rig.path("plain.zip");
        let opened =
            Command::new("age").args(["--decrypt", "-i"]).arg(&key).arg("-o").arg(&plain).arg(&location).output()?;
        ensure!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        same("request", &Package::open(&plain)?.manifest["request_id"], &run.at("/id")?)?;
        std::fs::remove_file(plain)?;
        // Asked again while it is open, for nobody or for somebody else, it is another matter.
        let open = ["access", "--email", "open@shop.example", "--no-wait"];
        rig.run(&[&open[..], &["--recipient", &public]].concat())?.exits(0)?;
        std::fs::write(rig.path("phrase"), "correct horse\n")?;
        let other = rig.run(&[&open[..], &["--passphrase-file", "phrase"]].concat())?;
        other.fails(2, "recipient_conflict", &["requests cancel"])?;
        rig.run(&open)?.exits(0)?;
        Ok(())
    })
}

fn package_verified(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let run = access(rig, &[])?;
        let location = rig.path(&run.text("/package/location")?);
        let file = location.display().to_string();
        let checked = rig.run(&["package", "verify", &file])?;
        checked.exits(0)?.is("/request_id", run.at("/id")?)?.is("/incomplete", json!({}))?;
        ensure!(checked.at("/limits")?.to_string().contains("14 days"), "{}", checked.shown());
        let mut bytes = std::fs::read(&location)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&location, bytes)?;
        rig.run(&["package", "verify", &file])?.fails(5, "package_invalid", &[])?;
        rig.run(&["package", "verify", "nothing.zip"])?.fails(2, "cannot_read", &["nothing.zip"])?;
        Ok(())
    })
}

fn package_in_a_bucket(context: &Context) -> Result<Outcome> {
    let mut server = S3Server::start()?;
    let options: Vec<_> = server.options().iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
    let packages = format!(
        "[retention]\npackages_days = 0\nidentities_days = 0\n\n[packages]\ndestination = \"{}\"\nstaging = \"staging\"\noptions = {{ {} }}",
        server.url("out"),
        options.join(", ")
    );
    let setup = Setup::unify().replace("[packages]\ndestination = \"packages\"", &packages);
    on_rig(context, &setup, |rig| {
        ensure!(rig.run(&["check"])?.exits(0)?.stdout.contains("bucket s3://acme/out"), "check does not say where");
        let run = access(rig, &[])?;
        let (id, location) = (run.text("/id")?, run.text("/package/location")?);
        same("location", &location, &format!("s3://acme/out/{id}.zip"))?;
        same("the bucket", &server.visible()?, &vec![format!("out/{id}.zip")])?;
        let package = Package::open(&server.path(&format!("out/{id}.zip")))?;
        same("request", &package.manifest["request_id"], &json!(id))?;
        let link = rig.run(&["package", "link", &id, "--for", "10m"])?.exits(0)?.text("/link")?;
        ensure!(link.contains("X-Amz-Signature=") && link.contains("X-Amz-Expires=600"), "{link}");
        rig.run(&["package", "link", &id, "--for", "30d"])?.fails(2, "invalid_time", &["7d"])?;
        rig.run(&["purge"])?.exits(0)?.is("/packages", 1)?;
        ensure!(server.visible()?.is_empty(), "{:?}", server.visible()?);
        server.stop();
        let gone = rig.run(&["access", "--email", "hand@shop.example"])?;
        gone.exits(3)?.is("/tasks/0/code", "package_failed")?;
        ensure!(gone.stdout.contains("the bucket for packages"), "{}", gone.shown());
        Ok(())
    })
}

/// With a key to sign, and a retention that is over at once.
fn signing() -> Setup {
    let key = "[evidence]\nsigning_key = { file = \"evidence.key\" }\n\n[retention]\npackages_days = 0\nidentities_days = 0\n\n[packages]";
    Setup::unify().deleting().replace("[packages]", key)
}

fn evidence_of_an_erasure(context: &Context) -> Result<Outcome> {
    on_rig(context, &signing(), |rig| {
        let (email, user_id) = (rig.mock().people()[0].email.clone(), rig.mock().people()[0].user_ids[0].clone());
        let id = rig.run(&["erase", "--email", &email, "--yes", "--wait"])?.exits(0)?.text("/id")?;
        let export = ["evidence", "export", &id, "--out", "evidence.json"];
        rig.run(&export)?.fails(2, "secret_missing", &["evidence.key"])?;
        rig.run(&["key", "new", "evidence.key"])?.exits(0)?;
        let public = rig.run(&["evidence", "public-key"])?.exits(0)?.text("/public_key")?;
        rig.run(&export)?.exits(0)?.is("/public_key", public.as_str())?;
        let text = std::fs::read_to_string(rig.path("evidence.json"))?;
        ensure!(!text.contains(&email) && !text.contains(&user_id), "the evidence names the person");
        for step in
            ["received", "resolved", "intended", "accepted", "status_at_segment", "read_back", "evidence_exported"]
        {
            ensure!(text.contains(&format!("\"step\": \"{step}\"")), "there is no {step} in it");
        }
        fits(EVIDENCE, &serde_json::from_str(&text)?, "evidence")?;
        let verify = |file: &str| rig.run(&["evidence", "verify", file, "--public-key", &public]);
        verify("evidence.json")?.exits(0)?.is("/request", id.as_str())?.is("/status", "complete")?;
        let revealed = rig.run(&["evidence", "export", &id, "--out", "revealed.json", "--reveal"])?;
        revealed.exits(0)?;
        hashes_are_those_of(&std::fs::read_to_string(rig.path("revealed.json"))?, &user_id)?;

        // Its key is destroyed: what was exported holds, and so does what is exported from then on.
        rig.run(&["purge"])?.exits(0)?.is("/identities", 1)?;
        verify("evidence.json")?.exits(0)?;
        rig.run(&["evidence", "export", &id, "--out", "later.json"])?.exits(0)?;
        let later = std::fs::read_to_string(rig.path("later.json"))?;
        ensure!(later.contains("identities_destroyed"), "{later}");
        verify("later.json")?.exits(0)?;
        let gone = rig.run(&["evidence", "export", &id, "--out", "x.json", "--reveal"])?;
        gone.fails(2, "identities_destroyed", &["without it"])?;

        std::fs::write(rig.path("changed.json"), text.replacen("\"step\": \"accepted\"", "\"step\": \"refused\"", 1))?;
        verify("changed.json")?.fails(5, "evidence_invalid", &["(refused)", "was changed"])?;
        std::fs::write(rig.path("newer.json"), text.replacen("\"version\": 1", "\"version\": 2", 1))?;
        verify("newer.json")?.fails(5, "evidence_invalid", &["version 2"])?;
        rig.run(&["key", "new", "other.key"])?.exits(0)?;
        rig.reconfigure("\"evidence.key\"", "\"other.key\"")?;
        let other = rig.run(&["evidence", "public-key"])?.exits(0)?.text("/public_key")?;
        let foreign = rig.run(&["evidence", "verify", "evidence.json", "--public-key", &other])?;
        foreign.fails(5, "evidence_invalid", &[&public, &other])?;
        rig.run(&["evidence", "export", "pri_nothing", "--out", "x.json"])?.fails(6, "no_such_request", &[])?;
        Ok(())
    })
}

/// With the salt, and only with it, somebody can compare an id with the log.
fn hashes_are_those_of(evidence: &str, user_id: &str) -> Result<()> {
    use sha2::{Digest as _, Sha256};
    let document: Value = serde_json::from_str(evidence)?;
    let salt = hex::decode(document["salt"].as_str().context("there is no salt")?)?;
    let hash = hex::encode(Sha256::new().chain_update(salt).chain_update(format!("user_id:{user_id}")).finalize());
    ensure!(document["logs"].to_string().contains(&hash), "the log does not hold the hash of the user id");
    Ok(())
}

fn certificate_of_an_erasure(context: &Context) -> Result<Outcome> {
    if let Some(skipped) = lacks("Chromium", browser::installed().is_some())? {
        return Ok(skipped);
    }
    on_rig(context, &signing(), |rig| {
        rig.run(&["key", "new", "evidence.key"])?.exits(0)?;
        let email = rig.mock().people()[0].email.clone();
        let id = rig.run(&["erase", "--email", &email, "--yes", "--wait"])?.exits(0)?.text("/id")?;
        let certified = |id: &str| {
            rig.run(&["evidence", "export", id, "--out", "evidence.json", "--certificate", "certificate.html"])
        };
        certified(&id)?.exits(0)?;
        let visit = browser::open(&rig.path("certificate.html"))?;
        ensure!(visit.console.is_empty() && visit.requests.is_empty(), "{:?} {:?}", visit.console, visit.requests);
        for word in ["Certificate of erasure", &id, "Deleted, and blocked", "connection unify"] {
            ensure!(visit.dom.contains(word), "{word}: {}", visit.dom);
        }
        std::fs::remove_file(rig.path("certificate.html"))?;
        std::fs::remove_file(rig.path("evidence.json"))?;
        let access = access(rig, &[])?.text("/id")?;
        certified(&access)?.fails(2, "no_certificate", &["only an erasure"])?;
        // Strict: only suppressed, and no row is masked.
        rig.reconfigure("masking_strict = false", "masking_strict = true")?;
        let email = rig.mock().people()[1].email.clone();
        let blocked = rig.run(&["erase", "--email", &email, "--yes", "--wait"])?.exits(0)?.text("/id")?;
        certified(&blocked)?.fails(2, "no_certificate", &["nothing was erased"])?;
        ensure!(!rig.path("evidence.json").exists(), "half of what was asked for was written");
        Ok(())
    })
}

fn report_over_requests(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        for person in &rig.mock().people()[..3] {
            rig.run(&["erase", "--email", &person.email, "--yes", "--wait"])?.exits(0)?;
        }
        rig.run(&["erase", "--email", "nobody@shop.example", "--yes"])?.exits(0)?;
        access(rig, &["--regime", "ccpa"])?;
        let report = rig.run(&["report"])?;
        report.exits(0)?.is("/rows/0/action", "access")?.is("/rows/0/regime", "ccpa")?.is("/rows/0/complete", 1)?;
        report.is("/rows/1/received", 4)?.is("/rows/1/outcomes", json!({"deleted": 3, "no_data": 1}))?;
        report.is("/rows/1/median_days", 0)?.is("/rows/1/overdue", 0)?;
        let csv = rig.run(&["report", "--csv"])?;
        let lines: Vec<_> = csv.exits(0)?.stdout.lines().collect();
        ensure!(lines[0].starts_with("action,regime,received,open,overdue,complete,late,collected,"), "{}", lines[0]);
        ensure!(lines.len() == 3 && lines[2].starts_with("erasure,gdpr,4,0,0,4,0,0,1,0,3,"), "{lines:?}");
        rig.run(&["report", "--to", "2020-01-01"])?.exits(0)?.is("/rows", json!([]))?;
        rig.run(&["report", "--from", "2026-02-01", "--to", "2026-01-01"])?.fails(2, "invalid_day", &[])?;
        Ok(())
    })
}
