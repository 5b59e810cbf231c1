//! Evidence that somebody hands in: it is refused, or it is whole, and then its signer's key says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privacy_package::evidence::{EvidenceError, verify};

fuzz_target!(|text: &str| {
    let Ok(verified) = verify(text, None) else { return };
    assert_eq!(verify(text, Some(&verified.signed_by)), Ok(verified));
    // One more line break is not what was exported.
    assert_eq!(verify(&format!("{text}\n"), None), Err(EvidenceError::Rewritten));
});
