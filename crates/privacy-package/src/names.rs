//! Which names may become a part of a path in the package or at the destination.

use segment_core::ports::PackageError;
use thiserror::Error;

use crate::failure::write_error;

const LONGEST: usize = 100;
/// Files at the package's root, which a folder of the same name would shadow.
const ROOT_FILES: [&str; 2] = ["manifest.json", "index.html"];

#[derive(Debug, Error)]
#[error(
    "names are made of ASCII letters, digits, `_`, `-` and `.`, neither begin nor end with a dot, have at most \
     {LONGEST} characters, and are not `manifest.json` or `index.html`"
)]
struct UnsafeName;

/// Whether `name` is a harmless part of a path on every system.
pub(crate) fn is_safe(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    plain && !name.is_empty() && name.len() <= LONGEST && !name.starts_with('.') && !name.ends_with('.')
}

/// Refuses an unsafe source, collection or request id; the error does not repeat it.
pub(crate) fn check(what: &'static str, name: &str) -> Result<(), PackageError> {
    let taken = ROOT_FILES.iter().any(|file| file.eq_ignore_ascii_case(name));
    if is_safe(name) && !taken { Ok(()) } else { Err(write_error(what, UnsafeName)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_names_are_safe() {
        for name in ["segment_prod", "shop", "public.customer", "a-b_c.9", "events"] {
            assert!(check("x", name).is_ok(), "{name}");
        }
        let long = "a".repeat(LONGEST + 1);
        for name in
            ["", ".", "..", ".a", "a.", "a/b", "../a", "a\\b", "C:", "a b", "größe", "a\0", "Manifest.json", &long]
        {
            assert!(check("x", name).is_err(), "{name}");
        }
    }
}
