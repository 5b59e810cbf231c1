//! `holds …`

use clap::Subcommand;

use super::Identities;

#[derive(Debug, Subcommand)]
pub(crate) enum Holds {
    /// Place a hold: what would delete, suppress or mask this person and is not done yet is stopped
    Add {
        #[command(flatten)]
        identities: Identities,
        /// Why; it is stored encrypted
        #[arg(long, value_name = "R")]
        reason: String,
    },
    /// List the holds that stand
    List {
        /// Lifted ones, too
        #[arg(long)]
        all: bool,
        /// Show who they are about, and why
        #[arg(long)]
        reveal: bool,
    },
    /// Lift a hold; `requests retry` lets a stopped erasure go on
    Remove {
        /// The hold
        id: String,
    },
}
