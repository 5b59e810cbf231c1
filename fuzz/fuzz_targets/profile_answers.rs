//! Answers of the Profile API: whatever comes is understood or not, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segment_unify::fuzzing;

fuzz_target!(|body: &[u8]| fuzzing::profile_answers(body));
