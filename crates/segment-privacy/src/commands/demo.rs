//! `demo`: the whole story against a Segment on loopback, nothing configured. Days pass on the mock's clock.

use std::{io::Read as _, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use privacy_engine::{Asked, Engine, Until};
use segment_core::{Action, ClaimScope, Identity, IdentityKind, IdentitySet, RequestId, ports::Clock};
use segment_http::{OsRandom, SystemClock};
use segment_mock::{Event, Link, MockConfig, MockSegment, Profile};
use tokio_util::sync::CancellationToken;

use super::{check, drive, evidence};
use crate::{
    compose::{self, Need, World},
    config::{self, Loaded},
    error::{CliError, Exit},
    output::{Output, ProgressLine, tables},
};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

/// The mock's time; to sleep is to move it on.
#[derive(Debug)]
struct MockClock {
    mock: Arc<MockSegment>,
    monotonic: SystemClock,
}

#[async_trait]
impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        self.mock.clock().now()
    }

    fn monotonic(&self) -> Duration {
        self.monotonic.monotonic()
    }

    async fn sleep(&self, pause: Duration) {
        self.mock.advance(pause);
    }
}

pub(crate) async fn run(output: &Output) -> Result<Exit, CliError> {
    if output.is_json() {
        return Err(CliError::usage(
            "demo_is_for_people",
            "the demo tells a story in several parts, not in one document",
        )
        .hint("leave --output json out"));
    }
    let failed = |error: std::io::Error| CliError::unexpected("the demo cannot start", &error);
    let mock = Arc::new(MockSegment::start(MockConfig::new().profiles(40).seed(1)).map_err(failed)?);
    mock.add_profile(ann());
    mock.add_profile(ben());
    let folder = tempfile::Builder::new().prefix("segment-privacy-demo-").tempdir().map_err(failed)?;
    let demo = Demo { world: world(&mock), mock, output };
    demo.title("A Segment on loopback: two APIs, 42 people. Nothing leaves this machine.");
    let strict = demo.configuration(folder.path(), true)?;
    demo.title("1. check: is everything in place?");
    check::run(&strict, None, None, output).await?;
    demo.access(&strict, folder.path()).await?;
    demo.erase(&strict, BEN, "3. erase, strictly: Ben is suppressed, nothing is deleted").await?;
    let deleting = demo.configuration(folder.path(), false)?;
    let title = "4. erase: Ann is deleted and suppressed, followed to FINISHED and read back";
    let erased = demo.erase(&deleting, ANN, title).await?;
    demo.evidence(&deleting, &erased, folder.path()).await?;
    demo.title("6. the ledger beside Segment's");
    let now = demo.world.clock.now();
    super::regulations::run(&deleting, crate::cli::Regulations::List { limit: 10 }, now, output).await?;
    demo.title("Done. Next: `segment-privacy init` writes a configuration for your own workspace.");
    Ok(Exit::Done)
}

struct Demo<'a> {
    mock: Arc<MockSegment>,
    world: World,
    output: &'a Output,
}

impl Demo<'_> {
    fn title(&self, text: &str) {
        self.output.say(&format!("\n== {text}"));
    }

    /// A configuration like anybody's, but for the hosts.
    fn configuration(&self, folder: &Path, strict: bool) -> Result<Loaded, CliError> {
        let (url, mock) = (self.mock.url(), &self.mock);
        let key = privacy_store::MasterKey::generate_base64(&OsRandom);
        let path = folder.join("segment-privacy.toml");
        let key_file = folder.join("segment-privacy.key");
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).map_err(|error| CliError::unexpected("the demo cannot write", &error))
        };
        if !key_file.exists() {
            write(&key_file, &key)?;
            write(&folder.join("evidence.key"), &privacy_store::MasterKey::generate_base64(&OsRandom))?;
        }
        let text = format!(
            "[encryption]\nkey = {{ file = \"segment-privacy.key\" }}\n\n[evidence]\nsigning_key = {{ file = \"evidence.key\" }}\n\n[execution]\nmasking_strict = {strict}\n\n\
             [[connections]]\nkey = \"demo\"\nkind = \"segment_unify\"\ndomain = \"{url}\"\nprofiles_domain = \"{url}\"\n\
             api = \"public\"\nworkspace = \"{}\"\naccess_token = \"{}\"\nspace_id = \"{}\"\naccess_secret = \"{}\"\n",
            mock.workspace_slug(),
            mock.public_token(),
            mock.space_id(),
            mock.profile_token(),
        );
        write(&path, &text)?;
        config::load(&path)
    }

    async fn engine(&self, loaded: &Loaded, line: &ProgressLine) -> Result<Arc<Engine>, CliError> {
        compose::engine(loaded, Need::All, &self.world, drive::policy(loaded), None, line.sink()).await
    }

    /// Runs one request to its end; days pass on the mock's clock while it waits.
    async fn run(&self, loaded: &Loaded, action: Action, email: &str) -> Result<RequestId, CliError> {
        let line = ProgressLine::new(self.output.is_json());
        let engine = self.engine(loaded, &line).await?;
        let identity = Identity::new(IdentityKind::Email, email).and_then(|one| IdentitySet::new([one]));
        let identities = identity.map_err(|error| super::access::refused_identity(&error))?;
        let id = super::access::take(&engine, Asked::new(action, identities), self.output).await?;
        let scope = ClaimScope::Requests(vec![id.clone()]);
        engine.run(&scope, Until::Ended, &CancellationToken::new()).await?;
        line.done();
        let (_, shape) = drive::shape(engine.store().as_ref(), &id, false).await?;
        self.output.result(&shape, |output| tables::request(&shape, output))?;
        Ok(id)
    }

    async fn access(&self, loaded: &Loaded, folder: &Path) -> Result<(), CliError> {
        self.title(&format!("2. access --email {ANN}: everything that Unify holds, in a package"));
        let id = self.run(loaded, Action::Access, ANN).await?;
        self.title("   a look into the package");
        let package = folder.join("packages").join(format!("{id}.zip"));
        let look =
            look(&package).map_err(|error| CliError::unexpected("the package cannot be read", error.as_ref()))?;
        self.output.raw(&look);
        Ok(())
    }

    async fn erase(&self, loaded: &Loaded, email: &str, title: &str) -> Result<RequestId, CliError> {
        self.title(title);
        let before = self.mock.clock().now();
        let id = self.run(loaded, Action::Erasure, email).await?;
        let days = self.mock.clock().now().duration_since(before).as_hours() / 24;
        self.output.say(&format!("   {days} days passed at Segment"));
        let there = if self.mock.profile_exists("email", email) { "is still there" } else { "is gone" };
        self.output.say(&format!(
            "   Segment's own view: the profile {there}; suppressed user ids: {}",
            self.mock.suppressed().len()
        ));
        let store = compose::store(loaded).await?;
        let entries: Vec<_> =
            segment_core::ports::RequestStore::log(&store, &id).await?.into_iter().map(Into::into).collect();
        self.output.raw(&tables::log(&entries));
        Ok(id)
    }

    async fn evidence(&self, loaded: &Loaded, id: &RequestId, folder: &Path) -> Result<(), CliError> {
        self.title("5. evidence: the log as a signed document, and a page for Ann");
        let (file, page) = (folder.join("evidence.json"), folder.join("certificate.html"));
        evidence::export(loaded, id, &file, false, Some(&page), self.output).await?;
        evidence::verify(&file, None, self.output).map(drop)
    }
}

fn world(mock: &Arc<MockSegment>) -> World {
    let clock = MockClock { mock: mock.clone(), monotonic: SystemClock::new() };
    World { clock: Arc::new(clock), random: Arc::new(OsRandom) }
}

fn ann() -> Profile {
    let hours = |hours| Duration::from_hours(hours);
    Profile::new("use_3FgH1jKlMn5pQrS7tUvWxYz9aBc")
        .external_id("email", ANN)
        .external_id("user_id", "u-1001")
        .external_id("anonymous_id", "9c1e-77aa")
        .trait_("name", "Ann Example")
        .trait_("email", ANN)
        .trait_("plan", "pro")
        .computed_trait("lifetime_value", 312.5)
        .audience("newsletter_readers", true)
        .event(
            Event::track("Order Completed")
                .properties(serde_json::json!({"total": 12.5}))
                .external_id("user_id", "U-1001")
                .ago(hours(30)),
        )
        .event(Event::page("Pricing").external_id("user_id", "U-1001").ago(hours(31)))
        .event(Event::track("Signed In").external_id("user_id", "U-1001").ago(hours(50)))
        .link(Link::account("g-77").external_id("group_id", "g-77"))
}

fn ben() -> Profile {
    Profile::new("use_8BnM2kLpQr4sTuVwXyZ0aBcDeF1")
        .external_id("email", BEN)
        .external_id("user_id", "u-2002")
        .trait_("email", BEN)
        .event(Event::track("Signed In").external_id("user_id", "u-2002").ago(Duration::from_hours(20)))
}

/// What is in a package: its files, and the beginnings of some.
fn look(path: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path)?)?;
    let mut text = Vec::new();
    for at in 0..zip.len() {
        let file = zip.by_index(at)?;
        text.push(format!("   {:>7} bytes  {}", file.size(), file.name()?));
    }
    for name in ["demo/traits.json", "demo/events.csv"] {
        let mut content = String::new();
        zip.by_name(name)?.read_to_string(&mut content)?;
        text.push(format!("   {name}:"));
        text.extend(content.lines().take(4).map(|line| format!("     {}", line.chars().take(110).collect::<String>())));
    }
    Ok(text.join("\n"))
}
