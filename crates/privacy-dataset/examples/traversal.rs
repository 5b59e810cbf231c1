//! How the rows of somebody are found of whom an address, a phone number or a user id is known, by a Fides dataset:
//!
//! ```text
//! cargo run -p privacy-dataset --example traversal -- shop_dataset.yml
//! ```

use std::{collections::BTreeSet, error::Error, fs, io::Write};

use privacy_dataset::{Dataset, Entry, Origin, Traversal};
use segment_core::IdentityKind;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("expected the file of a dataset")?;
    let datasets = Dataset::parse_all(&fs::read_to_string(file)?)?;
    let kinds = BTreeSet::from([IdentityKind::Email, IdentityKind::PhoneNumber, IdentityKind::UserId]);
    let traversal = Traversal::new(&datasets, &kinds, &[])?;

    let mut out = std::io::stdout().lock();
    for visit in &traversal.visits {
        let ways: Vec<_> = visit.entries.iter().map(|entry| way(&traversal, entry)).collect();
        writeln!(out, "{}: {}", visit.name(), ways.join(", or "))?;
    }
    for sentence in &traversal.not_followed {
        writeln!(out, "not followed: {sentence}")?;
    }
    for collection in &traversal.unreached {
        writeln!(out, "not reached: {collection}")?;
    }
    Ok(())
}

/// By which of its columns a collection is asked, and for what.
fn way(traversal: &Traversal, entry: &Entry) -> String {
    match &entry.values {
        Origin::Identity(kind) => format!("{} is the {kind}", entry.column),
        Origin::UserIds(field) => format!("{} is one of {field}", entry.column),
        Origin::Rows { visit, column, .. } => {
            format!("{} is one of {}", entry.column, traversal.visits[*visit].field(column))
        }
        _ => entry.column.clone(),
    }
}
