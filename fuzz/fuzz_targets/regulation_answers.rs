//! Answers of the Public API and of the Config API: whatever comes is understood or not, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use segment_http::fuzzing;

fuzz_target!(|body: &[u8]| {
    fuzzing::public_api_answers(body);
    fuzzing::config_api_answers(body);
});
