//! Checks identities of a person, one a line, and counts them. What is refused is named by its line: no value is repeated.
//!
//! ```text
//! printf 'email ann@example.com\nuser_id null\n' | cargo run -p segment-core --example identities
//! ```

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, BufRead, Write},
};

use segment_core::{Identity, IdentityError, IdentityKind, IdentitySet};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let mut identities = Vec::new();
    for (line, number) in io::stdin().lock().lines().zip(1..) {
        match parse(&line?) {
            Ok(identity) => identities.push(identity),
            Err(error) => writeln!(out, "line {number}: {error}")?,
        }
    }
    // Addresses that differ only in case are one.
    let person = IdentitySet::new(identities)?;
    let mut kinds = BTreeMap::new();
    for identity in &person {
        *kinds.entry(identity.kind()).or_insert(0) += 1;
    }
    for (kind, count) in kinds {
        writeln!(out, "{count} of kind {kind}")?;
    }
    Ok(())
}

fn parse(line: &str) -> Result<Identity, IdentityError> {
    let (kind, value) = line.split_once(' ').ok_or(IdentityError::UnknownKind)?;
    Identity::new(IdentityKind::parse(kind)?, value)
}
