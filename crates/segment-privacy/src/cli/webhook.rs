//! `webhook …`

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Webhook {
    /// List what was told, and what waits, newest first
    Log {
        /// Only to this receiver
        #[arg(long, value_name = "KEY")]
        webhook: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Send a signed test to a receiver
    Test {
        /// Its key
        key: String,
    },
}
