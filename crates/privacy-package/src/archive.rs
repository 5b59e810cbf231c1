//! The zip: data files in the order of their paths, then the report, then the manifest, written once from front to back.

mod ahead;

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::Offset;
use segment_core::IdentitySet;
use segment_core::ports::PackageError;
use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use crate::content;
use crate::failure::{PACKAGE, write_error};
use crate::layout::{Format, files_of};
use crate::manifest::{Manifest, ManifestFile};
use crate::report;
use crate::staging::Sealed;
use crate::survey::MOST_COLUMNS;

/// Half the time of the usual level 6, for files that are a tenth larger.
const LEVEL: i64 = 2;

/// Everything that goes into a package.
pub(crate) struct Contents {
    pub(crate) request_id: String,
    pub(crate) action: &'static str,
    pub(crate) identities: IdentitySet,
    pub(crate) received_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) collections: Vec<Gathered>,
    pub(crate) limits: Vec<String>,
}

/// A whole collection with its names.
pub(crate) struct Gathered {
    pub(crate) source: String,
    pub(crate) collection: String,
    pub(crate) sealed: Sealed,
}

/// Writes the zip to `out`, the report only if it is wanted. Equal contents make equal bytes.
pub(crate) fn write<W: Write>(
    contents: &Contents,
    with_report: bool,
    out: W,
) -> Result<(W, Vec<ManifestFile>), PackageError> {
    let mut archive = Archive { zip: ZipWriter::new_stream(out), modified: dos_time(contents.created_at) };
    let failed = |e| write_error(PACKAGE, e);
    let mut files = archive.collections(&contents.collections).map_err(failed)?;
    if with_report {
        report::write(contents, &mut |page| {
            files.push(archive.page(page)?);
            Ok(())
        })
        .map_err(failed)?;
    }
    let manifest = Manifest {
        request_id: &contents.request_id,
        action: contents.action,
        created_at: contents.created_at,
        tool_version: env!("CARGO_PKG_VERSION"),
        files: &files,
        limits: &contents.limits,
    };
    let out = archive.finish(&manifest).map_err(|e| write_error(PACKAGE, e))?;
    Ok((out, files))
}

struct Archive<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
    modified: DateTime,
}

impl<W: Write> Archive<W> {
    fn collections(&mut self, collections: &[Gathered]) -> io::Result<Vec<ManifestFile>> {
        let files = collections.iter().flat_map(|one| {
            let files = files_of(one.sealed.shape, &one.source, &one.collection);
            files.map(|(path, format)| (path, format, &one.sealed))
        });
        let mut entries: Vec<_> = files.collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.into_iter().map(|(path, format, sealed)| self.entry(path, format, sealed)).collect()
    }

    fn entry(&mut self, path: String, format: Format, sealed: &Sealed) -> io::Result<ManifestFile> {
        self.start(&path, most_bytes(sealed))?;
        let mut hashed = Hashed { out: &mut self.zip, hash: Sha256::new(), bytes: 0 };
        ahead::of(|out| content::write(out, sealed, format), &mut hashed)?;
        Ok(ManifestFile {
            path,
            records: sealed.records,
            bytes: hashed.bytes,
            sha256: hex::encode(hashed.hash.finalize()),
            complete: sealed.gaps.is_empty(),
            reason: (!sealed.gaps.is_empty()).then(|| sealed.gaps.join("; ")),
            is_report: false,
        })
    }

    fn page(&mut self, page: report::Page) -> io::Result<ManifestFile> {
        self.start(&page.path, page.html.len() as u64)?;
        self.zip.write_all(page.html.as_bytes())?;
        Ok(ManifestFile {
            path: page.path,
            records: page.records,
            bytes: page.html.len() as u64,
            sha256: hex::encode(Sha256::digest(&page.html)),
            complete: page.gaps.is_empty(),
            reason: (!page.gaps.is_empty()).then(|| page.gaps.join("; ")),
            is_report: true,
        })
    }

    fn start(&mut self, path: &str, most_bytes: u64) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .last_modified_time(self.modified)
            .system(System::Unix)
            .unix_permissions(0o600)
            .large_file(most_bytes >= u64::from(u32::MAX));
        Ok(self.zip.start_file(path, options)?)
    }

    fn finish(mut self, manifest: &Manifest<'_>) -> io::Result<W> {
        self.start("manifest.json", 0)?;
        serde_json::to_writer_pretty(&mut self.zip, manifest)?;
        self.zip.write_all(b"\n")?;
        Ok(self.zip.finish()?.into_inner())
    }
}

/// No format of these records is longer: CSV doubles quotes, JSON indents, and a row has a separator and an apostrophe per
/// column and the header's names. Where 4 GiB may be reached, the entry needs the fields of ZIP64 from its start.
fn most_bytes(sealed: &Sealed) -> u64 {
    let columns = MOST_COLUMNS as u64 + 1;
    (sealed.bytes.saturating_mul(4)).saturating_add((sealed.records + 1).saturating_mul(columns * 4 + 16))
}

/// The time of the entries, in UTC; the format begins with 1980.
fn dos_time(time: Timestamp) -> DateTime {
    let time = Offset::UTC.to_datetime(time);
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    u16::try_from(time.year())
        .ok()
        .and_then(|year| {
            let (month, day) = (part(time.month()), part(time.day()));
            DateTime::from_date_and_time(year, month, day, part(time.hour()), part(time.minute()), part(time.second()))
                .ok()
        })
        .unwrap_or_default()
}

struct Hashed<'a, W> {
    out: &'a mut W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(data)?;
        self.hash.update(&data[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
