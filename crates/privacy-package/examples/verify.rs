//! Checks every file of a package against its manifest:
//!
//! ```text
//! cargo run -p privacy-package --example verify -- packages/pri_….zip
//! ```

use std::{
    error::Error,
    fs::File,
    io::{BufReader, Write},
};

use privacy_package::verify_package;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("expected the file of a package")?;
    let checked = verify_package(BufReader::new(File::open(file)?))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}: {} files, {} bytes, all as written", checked.request_id, checked.files, checked.bytes)?;
    for (path, reason) in &checked.incomplete {
        writeln!(out, "{path} was incomplete when it was made: {reason}")?;
    }
    for sentence in &checked.limits {
        writeln!(out, "{sentence}")?;
    }
    Ok(())
}
