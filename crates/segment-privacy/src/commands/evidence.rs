//! `evidence …`: the log of a request as a signed document.

use std::{io::Write as _, path::Path};

use privacy_package::evidence::{self, EvidenceKey, EvidenceRecord, PublicKey};
use secrecy::ExposeSecret;
use segment_core::{AuditEntry, LedgerFilter, LogChain, RequestId, ports::RequestStore};
use serde_json::json;

use crate::{
    cli::Evidence,
    compose::{self, World, no_such_request},
    config::{Loaded, load, operator},
    error::{CliError, Exit, chain},
    output::Output,
};

pub(crate) async fn run(path: &Path, args: Evidence, output: &Output) -> Result<Exit, CliError> {
    match args {
        Evidence::Export { id, out, reveal, certificate } => {
            export(&load(path)?, &RequestId::new(id), &out, reveal, certificate.as_deref(), output).await
        }
        Evidence::Verify { file, public_key } => verify(&file, public_key.as_deref(), output),
        Evidence::PublicKey => {
            let public = key(&load(path)?)?.public().to_string();
            output.result(&json!({"public_key": public}), |_| public.clone())?;
            Ok(Exit::Done)
        }
    }
}

/// The configured signing key.
fn key(loaded: &Loaded) -> Result<EvidenceKey, CliError> {
    let Some(secret) = &loaded.file.evidence.signing_key else {
        return Err(CliError::usage("no_signing_key", "there is no [evidence] signing_key to sign with").hint(
            "`segment-privacy key new evidence.key` makes one; then write signing_key = { file = \"evidence.key\" }",
        ));
    };
    let text = secret.read("signing key of [evidence]", &loaded.base)?;
    // Exposed to be read as a key, which shows nothing of itself.
    EvidenceKey::from_base64(text.expose_secret()).map_err(|error| {
        CliError::usage("signing_key_invalid", format!("the signing key of [evidence]: {error}"))
            .hint("it is 32 bytes in base64: `segment-privacy key new FILE` makes one")
    })
}

/// A signed document, and what it is about.
pub(crate) struct Document {
    pub(crate) text: String,
    /// What is to be read by people, where that was asked for.
    pub(crate) certificate: Option<String>,
    pub(crate) entries: usize,
    pub(crate) key: PublicKey,
}

/// What is asked of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// With the salt of its hashes.
    pub(crate) reveal: bool,
    pub(crate) certificate: bool,
    /// Who asks for it.
    pub(crate) by: &'a str,
}

/// Signs the evidence of a request; that somebody asked for it is a part of it. `None` if there is no such request.
pub(crate) async fn document(
    loaded: &Loaded,
    store: &dyn RequestStore,
    id: &RequestId,
    wanted: Wanted<'_>,
) -> Result<Option<Document>, CliError> {
    let (key, at) = (key(loaded)?, World::default().clock.now());
    let Some(request) = store.request(id).await? else { return Ok(None) };
    if wanted.reveal && request.evidence_salt.is_none() {
        return Err(CliError::usage(
            "identities_destroyed",
            "what names the person was destroyed when its time was over",
        )
        .hint("leave out --reveal: the document can be checked without it"));
    }
    let regulations = store.regulations(&LedgerFilter { requests: vec![id.clone()], ..Default::default() }).await?;
    let salt = request.evidence_salt.as_ref().filter(|_| wanted.reveal);
    let signed = |chains: &[LogChain]| {
        evidence::export(&EvidenceRecord { request: &request, regulations: &regulations, chains, salt, at }, &key)
    };
    let page = |text: &str| {
        let page = wanted.certificate.then(|| evidence::certificate(text, Some(&key.public()))).transpose();
        page.map_err(|error| CliError::usage("no_certificate", chain(&error)))
    };
    page(&signed(&store.chains(id).await?))?;
    // What was handed out is a part of what is handed out.
    let entry = AuditEntry::new(at, "evidence_exported", json!({"by": wanted.by, "revealing": wanted.reveal}));
    store.note(id, &entry).await?;
    let chains = store.chains(id).await?;
    let text = signed(&chains);
    evidence::verify(&text, Some(&key.public()))
        .map_err(|error| CliError::new(Exit::Unexpected, "record_damaged", format!("the record: {}", chain(&error))))?;
    let entries = chains.iter().map(|chain| chain.entries.len()).sum();
    Ok(Some(Document { certificate: page(&text)?, text, entries, key: key.public() }))
}

pub(crate) async fn export(
    loaded: &Loaded,
    id: &RequestId,
    out: &Path,
    reveal: bool,
    certificate: Option<&Path>,
    output: &Output,
) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    let by = operator();
    let wanted = Wanted { reveal, certificate: certificate.is_some(), by: &by };
    let document = document(loaded, &store, id, wanted).await?.ok_or_else(|| no_such_request(id.as_str()))?;
    write(out, &document.text)?;
    if let (Some(file), Some(page)) = (certificate, &document.certificate) {
        write(file, page)?;
    }
    let Document { entries, key, .. } = document;
    let shape = json!({
        "request": id.as_str(), "entries": entries, "file": out.display().to_string(),
        "certificate": certificate.map(|file| file.display().to_string()), "public_key": key.to_string(),
    });
    output.result(&shape, |_| format!("wrote {entries} entries to {}, signed by {key}", out.display()))?;
    Ok(Exit::Done)
}

/// For its owner alone: with the salt, ids can be tried against it.
fn write(file: &Path, text: &str) -> Result<(), CliError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(|error| CliError::usage("cannot_write", format!("{} cannot be written: {error}", file.display())))
}

pub(crate) fn verify(file: &Path, public_key: Option<&str>, output: &Output) -> Result<Exit, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::usage("cannot_read", format!("{} cannot be read: {error}", file.display())))?;
    let trusted = public_key.map(str::parse::<PublicKey>).transpose();
    let trusted = trusted.map_err(|error| {
        CliError::usage("public_key_invalid", format!("--public-key: {error}"))
            .hint("`segment-privacy evidence public-key` shows the key of whoever signs")
    })?;
    let verified = evidence::verify(&text, trusted.as_ref())
        .map_err(|error| CliError::new(Exit::CheckFailed, "evidence_invalid", chain(&error)))?;
    let signed_by = verified.signed_by.to_string();
    let shape = json!({
        "request": verified.request, "status": verified.status, "exported_at": verified.exported_at,
        "entries": verified.entries, "signed_by": signed_by, "trusted": trusted.is_some(),
    });
    output.result(&shape, |_| {
        format!(
            "{} is whole: {} entries of request {}, which was {} on {}, signed by {signed_by}",
            file.display(),
            verified.entries,
            verified.request,
            verified.status,
            verified.exported_at.strftime("%Y-%m-%d")
        )
    })?;
    if trusted.is_none() {
        output.say("whether that key is the company's own is for you to compare: --public-key does it");
    }
    Ok(Exit::Done)
}
