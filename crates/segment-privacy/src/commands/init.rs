//! `init`: asks what a connection needs, writes a commented configuration and key files (mode 0600), then checks.

use std::{io::Write as _, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use privacy_store::MasterKey;
use segment_core::ports::Random;
use segment_http::OsRandom;

use super::ask::{choose, input};
use crate::{
    cli::Init,
    error::{CliError, Exit},
    output::Output,
};

const KEY_FILE: &str = "segment-privacy.key";
const SIGNING_KEY_FILE: &str = "evidence.key";

/// Everything that the configuration is written from.
struct Answers {
    kind: String,
    workspace: String,
    region: String,
    space_id: String,
    delete: bool,
    segment_user_id: String,
    dataset_file: String,
}

pub(crate) async fn run(args: Init, path: &Path, output: &Output) -> Result<Exit, CliError> {
    if path.exists() {
        return Err(CliError::usage(
            "config_exists",
            format!("{} is there already; nothing was changed", path.display()),
        )
        .hint("--config FILE writes another"));
    }
    let no_check = args.no_check;
    let answers = Answers::ask(args)?;
    let base = path.parent().unwrap_or_else(|| Path::new("."));
    let random = OsRandom;
    private_file(&base.join(KEY_FILE), &MasterKey::generate_base64(&random))?;
    let mut seed = [0; 32];
    random.fill(&mut seed);
    private_file(&base.join(SIGNING_KEY_FILE), &BASE64_STANDARD.encode(seed))?;
    private_file(path, &answers.configuration())?;
    output.say(&format!("wrote {}, {KEY_FILE} and {SIGNING_KEY_FILE} (mode 0600)", path.display()));
    output.say("keep the key files: without them the record database cannot be read");
    output.say(answers.next_steps());
    if no_check {
        return Ok(Exit::Done);
    }
    super::check::command(path, None, output).await
}

impl Answers {
    fn ask(args: Init) -> Result<Self, CliError> {
        let kind = choose("Which integration?", "--kind", args.kind, &["segment_unify", "segment"])?;
        let unify = kind == "segment_unify";
        let region = choose("Which region is the workspace in?", "--region", args.region, &["us", "eu"])?;
        let workspace =
            input("Workspace slug or id (Settings > Workspace settings > General)", "--workspace", args.workspace)?;
        let space_id = if unify {
            input("Space id (Unify > Unify settings > API access)", "--space-id", args.space_id)?
        } else {
            String::new()
        };
        let user_id = if unify {
            args.segment_user_id
        } else {
            Some(input(
                "Where is the Segment user id (dataset.collection.field)?",
                "--segment-user-id",
                args.segment_user_id,
            )?)
        };
        let file = args.dataset_file.map(|file| file.display().to_string());
        let dataset_file = match (&user_id, file) {
            (Some(_), file) => input("Fides dataset file", "--dataset-file", file)?,
            _ => String::new(),
        };
        let delete = match args.delete {
            Some(delete) => delete,
            None => {
                choose(
                    "What does an erasure do at Segment?",
                    "--delete",
                    None,
                    &["suppress only", "delete and suppress"],
                )? != "suppress only"
            }
        };
        Ok(Self {
            kind,
            workspace,
            region,
            space_id,
            delete,
            segment_user_id: user_id.unwrap_or_default(),
            dataset_file,
        })
    }

    fn configuration(&self) -> String {
        let unify = self.kind == "segment_unify";
        let (domain, profiles) = match self.region.as_str() {
            "eu" => ("eu1.api.segmentapis.com", "profiles.euw1.segment.com"),
            _ => ("api.segmentapis.com", "profiles.segment.com"),
        };
        let mut text = format!(
            "# segment-privacy: `segment-privacy config schema` prints every key.\n\n\
             [database]\nurl = \"sqlite://segment-privacy.db\"       # the record database, made if it is missing\n\n\
             [encryption]\nkey = {{ file = \"{KEY_FILE}\" }}      # keep it: without it the record database cannot be read\n\n\
             [evidence]\nsigning_key = {{ file = \"{SIGNING_KEY_FILE}\" }}\n\n\
             [execution]\n# true: an erasure suppresses at Segment and deletes nothing there. false: it deletes and suppresses. Rows of your\n\
             # own are masked either way, where a dataset has access = \"write\".\n\
             masking_strict = {}\nregime = \"gdpr\"                          # or \"ccpa\": the default deadline\n\n\
             [packages]\ndestination = \"packages\"\n\n\
             [[connections]]\nkey = \"segment_prod\"\nkind = \"{}\"\ndomain = {}\nworkspace = {}\n\
             # Settings > Workspace settings > Access Management > Tokens: a Public API token with the role Workspace Owner\n\
             access_token = {{ env = \"SEGMENT_ACCESS_TOKEN\" }}\n",
            !self.delete,
            self.kind,
            quoted(domain),
            quoted(&self.workspace),
        );
        if unify {
            let more = format!(
                "profiles_domain = {}\nspace_id = {}\n# Unify > Unify settings > API access: shown once\n\
                 access_secret = {{ env = \"SEGMENT_ACCESS_SECRET\" }}\n",
                quoted(profiles),
                quoted(&self.space_id)
            );
            text.push_str(&more);
        }
        if !self.segment_user_id.is_empty() {
            let dataset = self.segment_user_id.split('.').next().unwrap_or_default();
            let more = format!(
                "segment_user_id = {}\n\n[[datasets]]\nkey = {}\n# the owned database: sqlite://…, postgres://… or mysql://…, a role that may only read is enough\n\
                 url = {{ env = \"OWNED_DATABASE_URL\" }}\nfile = {}\naccess = \"read\"    # \"write\": erasures mask rows, and the role needs UPDATE\n",
                quoted(&self.segment_user_id),
                quoted(dataset),
                quoted(&self.dataset_file)
            );
            text.push_str(&more);
        }
        text
    }

    fn next_steps(&self) -> &'static str {
        if self.kind == "segment_unify" {
            "set SEGMENT_ACCESS_TOKEN and SEGMENT_ACCESS_SECRET, then: segment-privacy check"
        } else {
            "set SEGMENT_ACCESS_TOKEN and OWNED_DATABASE_URL, then: segment-privacy check"
        }
    }
}

/// A TOML string, whatever is in it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes a new file that only its owner can read.
pub(super) fn private_file(path: &Path, text: &str) -> Result<(), CliError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.write_all(if text.ends_with('\n') { b"" } else { b"\n" })?;
        file.sync_all()
    });
    written.map_err(|error| {
        CliError::usage("cannot_write", format!("{} cannot be written: {error}", path.display()))
            .hint("a key file that is there already is never overwritten; move it away if it is not needed")
    })
}
