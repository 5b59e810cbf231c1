//! Finds the newest installed PostgreSQL server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// What a server needs; a client package alone has none of them.
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Folders whose sub-folders are versions, and what follows the version.
const VERSIONED: [(&str, &str); 3] =
    [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin")];

/// The folder of the newest server's binaries.
pub(super) fn find() -> Option<PathBuf> {
    let mut found: Vec<_> = candidates()
        .into_iter()
        .filter(|folder| NEEDED.iter().all(|program| folder.join(program).is_file()))
        .filter_map(|folder| version(&folder).map(|version| (version, folder)))
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("/usr/local/pgsql/bin")];
    // A link on the search path leads to the folder of its version.
    let on_path = process::find("initdb").and_then(|file| fs::canonicalize(file).ok());
    folders.extend(on_path.as_deref().and_then(Path::parent).map(Path::to_owned));
    for (parent, rest) in VERSIONED {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        folders.extend(entries.flatten().map(|entry| entry.path().join(rest)));
    }
    folders
}

fn version(folder: &Path) -> Option<Vec<u32>> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// The numbers in `postgres (PostgreSQL) 16.4 (Debian 16.4-1)`.
fn parse_version(line: &str) -> Option<Vec<u32>> {
    let word = line.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let digits = word.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    Some(digits.map_while(|part| part.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let old = parse_version("postgres (PostgreSQL) 9.6.24").unwrap();
        let new = parse_version("postgres (PostgreSQL) 16.4 (Debian 16.4-1.pgdg120+1)").unwrap();
        assert_eq!(new, [16, 4]);
        assert!(new > old);
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1").unwrap(), [18, 1]);
        assert_eq!(parse_version("command not found"), None);
    }
}
