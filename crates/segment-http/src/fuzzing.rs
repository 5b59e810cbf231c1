//! Readers of answers, for the fuzz targets alone.

use crate::{config_api, public_api};

/// Reads a body as every answer of the Public API.
pub fn public_api_answers(body: &[u8]) {
    public_api::read_all(body);
}

/// Reads a body as every answer of the Config API.
pub fn config_api_answers(body: &[u8]) {
    config_api::read_all(body);
}
