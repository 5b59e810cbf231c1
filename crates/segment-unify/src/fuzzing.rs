//! Readers of answers, for the fuzz targets alone.

use crate::answers::{events, external_ids, links, metadata, problem, traits};

/// Reads a body as every answer of the Profile API.
pub fn profile_answers(body: &[u8]) {
    let _ = (metadata(body), traits(body), external_ids(body), events(body), links(body), problem(body));
}
