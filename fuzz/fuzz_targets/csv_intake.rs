//! A file of people: identity kinds in the first line, values below it. The rows of `erase --from` are made in the binary
//! out of what is used here; what must hold of every identity and every set is checked.
#![no_main]

use std::collections::BTreeSet;

use csv::{ByteRecord, ReaderBuilder, Trim};
use libfuzzer_sys::fuzz_target;
use segment_core::{Identity, IdentityKind, IdentitySet};

fuzz_target!(|file: &[u8]| {
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::Headers).from_reader(file);
    let Ok(header) = reader.byte_headers() else { return };
    let kinds: Vec<_> = header.iter().map(kind).collect();
    let mut record = ByteRecord::new();
    while let Ok(true) = reader.read_byte_record(&mut record) {
        let row = kinds.iter().zip(&record);
        let identities: Vec<_> = row.filter_map(|(kind, value)| identity(kind.as_ref()?, value)).collect();
        set(&identities);
    }
});

fn kind(name: &[u8]) -> Option<IdentityKind> {
    IdentityKind::parse(String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim()).ok()
}

/// An identity that was taken would be taken again, as the same.
fn identity(kind: &IdentityKind, value: &[u8]) -> Option<Identity> {
    let value = std::str::from_utf8(value).ok()?;
    let identity = Identity::new(kind.clone(), value).ok()?;
    assert_eq!(identity.value().expose(), value.trim());
    assert_eq!(Identity::new(kind.clone(), identity.value().expose()), Ok(identity.clone()));
    Some(identity)
}

/// No identity is twice in a set, and neither order nor repetition makes another person of it.
fn set(identities: &[Identity]) {
    let forwards = IdentitySet::new(identities.iter().cloned());
    let backwards = IdentitySet::new(identities.iter().rev().chain(identities).cloned());
    match (forwards, backwards) {
        (Ok(forwards), Ok(backwards)) => {
            let keys: BTreeSet<_> = forwards.iter().map(Identity::comparison_key).collect();
            assert_eq!(keys.len(), forwards.len());
            assert_eq!(forwards.comparison_key(), backwards.comparison_key());
        }
        (forwards, backwards) => {
            assert!(identities.is_empty() && forwards.is_err() && backwards.is_err());
        }
    }
}
