//! Prints the description of the HTTP API.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(privacy_service::openapi().as_bytes())
}
