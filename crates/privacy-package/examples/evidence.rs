//! Checks the log of a request that somebody handed over, by the public key that they have published:
//!
//! ```text
//! cargo run -p privacy-package --example evidence -- evidence.json PUBLIC_KEY
//! ```

use std::{error::Error, fs, io::Write};

use privacy_package::evidence::{PublicKey, verify};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, key] = arguments.as_slice() else { return Err("expected: FILE PUBLIC_KEY".into()) };
    // Without a key from elsewhere the document proves only that somebody had the key that stands in it.
    let trusted: PublicKey = key.parse()?;
    let verified = verify(&fs::read_to_string(file)?, Some(&trusted))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} was {} at {}", verified.request, verified.status, verified.exported_at)?;
    writeln!(out, "{} entries, none changed, dropped or moved", verified.entries)?;
    Ok(())
}
