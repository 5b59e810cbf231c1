//! `evidence …`, `package …`, `report`: what the person receives, and what the regulator can check.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Evidence {
    /// Write the log of a request, signed
    Export {
        /// The request
        id: String,
        /// The file; one that is there is replaced
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Put in by what the hashes of the person's ids are made, so that ids can be compared with them
        #[arg(long)]
        reveal: bool,
        /// Write a page for the person, too: what was erased, where and when
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
    },
    /// Check a document: needs no configuration, no database and no network
    Verify {
        /// The document
        file: PathBuf,
        /// Whose signature counts; without it, the key in the document is shown
        #[arg(long, value_name = "K")]
        public_key: Option<String>,
    },
    /// Show the public key of the configured signing key
    PublicKey,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Package {
    /// Make an address from which a package in a bucket can be had for a while, by whoever knows it; the log says so
    Link {
        /// The request
        id: String,
        /// For how long
        #[arg(long = "for", value_name = "D", default_value = "1h", value_parser = humantime::parse_duration)]
        valid: Duration,
    },
    /// Check every file of a package against its manifest: needs no configuration
    Verify {
        /// The zip
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Requests that were received from this day on, such as 2026-01-01 (UTC)
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<jiff::civil::Date>,
    /// And before this day
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<jiff::civil::Date>,
    /// As CSV
    #[arg(long)]
    pub(crate) csv: bool,
}
