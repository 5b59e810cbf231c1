//! A package, opened like its receiver opens it.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const MANIFEST: &str = include_str!("../../../docs/schemas/manifest.schema.json");
const METADATA: &str = include_str!("../../../docs/schemas/metadata.schema.json");
const TRAITS: &str = include_str!("../../../docs/schemas/traits.schema.json");
const EVENT: &str = include_str!("../../../docs/schemas/event.schema.json");
const RECORDS: &str = include_str!("../../../docs/schemas/records.schema.json");
pub(crate) const EVIDENCE: &str = include_str!("../../../docs/schemas/evidence.schema.json");

/// Holds a document against a schema of the documentation.
pub(crate) fn fits(schema: &str, document: &Value, what: &str) -> Result<()> {
    let schema = serde_json::from_str(schema)?;
    let validator = jsonschema::validator_for(&schema).map_err(|error| anyhow!("the schema for {what}: {error}"))?;
    validator.validate(document).map_err(|error| anyhow!("{what} is not as documented: {error}"))
}

/// The files of a zip, and its manifest.
#[derive(Debug)]
pub(crate) struct Package {
    files: BTreeMap<String, Vec<u8>>,
    pub(crate) manifest: Value,
}

impl Package {
    /// Opens it and holds every file against the manifest.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("there is no package {}", path.display()))?;
        let mut archive = zip::ZipArchive::new(file)?;
        let mut files = BTreeMap::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(entry.name()?.into_owned(), bytes);
        }
        let manifest = files.get("manifest.json").context("there is no manifest.json")?;
        let manifest = serde_json::from_slice(manifest)?;
        let package = Self { files, manifest };
        package.is_sound()?;
        Ok(package)
    }

    /// Exactly the files of the manifest, with their sizes and checksums, each in the documented shape.
    fn is_sound(&self) -> Result<()> {
        fits(MANIFEST, &self.manifest, "manifest.json")?;
        let listed = self.manifest["files"].as_array().context("the manifest lists no files")?;
        for entry in listed {
            let path = entry["path"].as_str().context("a file without a path")?;
            let bytes = self.bytes(path)?;
            ensure!(
                entry["bytes"] == bytes.len(),
                "{path} has {} bytes, the manifest says {}",
                bytes.len(),
                entry["bytes"]
            );
            ensure!(entry["sha256"] == hex::encode(Sha256::digest(bytes)), "the checksum of {path} is wrong");
            self.is_as_documented(path)?;
        }
        let unlisted = self.files.keys().filter(|path| !listed.iter().any(|entry| entry["path"] == path.as_str()));
        let unlisted: Vec<_> = unlisted.filter(|path| path.as_str() != "manifest.json").collect();
        ensure!(unlisted.is_empty(), "not in the manifest: {unlisted:?}");
        Ok(())
    }

    fn is_as_documented(&self, path: &str) -> Result<()> {
        match path.rsplit('/').next().unwrap_or_default() {
            "events.ndjson" => self.lines(path)?.iter().try_for_each(|line| fits(EVENT, line, path)),
            "metadata.json" => fits(METADATA, &self.json(path)?, path),
            "traits.json" => fits(TRAITS, &self.json(path)?, path),
            name if name.ends_with("json") => fits(RECORDS, &self.json(path)?, path),
            _ => Ok(()),
        }
    }

    pub(crate) fn bytes(&self, path: &str) -> Result<&[u8]> {
        let known = || format!("there is no {path}, but {:?}", self.files.keys());
        Ok(self.files.get(path).with_context(known)?)
    }

    pub(crate) fn json(&self, path: &str) -> Result<Value> {
        serde_json::from_slice(self.bytes(path)?).with_context(|| format!("{path} is not JSON"))
    }

    /// Writes every file to a folder.
    pub(crate) fn unpack(&self, folder: &Path) -> Result<()> {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(path, bytes)?;
        }
        Ok(())
    }

    /// A JSON document per line.
    pub(crate) fn lines(&self, path: &str) -> Result<Vec<Value>> {
        let text = std::str::from_utf8(self.bytes(path)?)?;
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("{path}: a line is not JSON")))
            .collect()
    }

    /// What the manifest says of a file.
    pub(crate) fn entry(&self, path: &str) -> Result<Value> {
        let entries = self.manifest["files"].as_array().into_iter().flatten();
        entries.into_iter().find(|entry| entry["path"] == path).cloned().with_context(|| format!("no entry for {path}"))
    }
}
