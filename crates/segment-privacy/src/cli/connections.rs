//! `connections …`
#![expect(clippy::doc_markdown, reason = "the doc comments are the help texts")]

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// Add a connection to the record database; what is required and not given is asked
    Add {
        /// Its key, such as segment_prod
        key: String,
        /// segment (erasure, with an owned database) or segment_unify (access and erasure)
        #[arg(long, value_parser = ["segment", "segment_unify"])]
        kind: Option<String>,
        #[command(flatten)]
        fields: Box<ConnectionFields>,
    },
    /// List every connection: of the configuration file and of the record database
    List,
    /// Show one connection with every field, which of them are required, and the last test; secrets are not shown
    Show {
        /// Its key
        key: String,
    },
    /// Change fields of a connection of the record database
    Edit {
        /// Its key
        key: String,
        #[command(flatten)]
        fields: Box<ConnectionFields>,
        /// Back to its default: a field as it is called above, without the dashes
        #[arg(long, value_name = "FIELD")]
        unset: Vec<String>,
    },
    /// Let a connection take new work again
    Enable {
        /// Its key
        key: String,
    },
    /// Let a connection take no new work; what Segment has accepted is followed
    Disable {
        /// Its key
        key: String,
    },
    /// Remove a connection and its secrets from the record database
    Remove {
        /// Its key
        key: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Even while people have something open there: it then needs a human
        #[arg(long)]
        force: bool,
    },
    /// Test a connection: the same as check --connection KEY
    Test {
        /// Its key
        key: String,
    },
}

/// The fields of a connection, as flags.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Fields")]
pub(crate) struct ConnectionFields {
    /// Where regulations go (default: platform.segmentapis.com, the Config API; with a Public API token
    /// api.segmentapis.com or eu1.api.segmentapis.com)
    #[arg(long, value_name = "HOST")]
    pub(crate) domain: Option<String>,
    /// Where profiles are (segment_unify; default: profiles.segment.com)
    #[arg(long, value_name = "HOST")]
    pub(crate) profiles_domain: Option<String>,
    /// us or eu: sets both hosts (default: us)
    #[arg(long, value_parser = ["us", "eu"])]
    pub(crate) region: Option<String>,
    /// config or public (default: the domain decides)
    #[arg(long, value_parser = ["config", "public"])]
    pub(crate) api: Option<String>,
    /// Whether hosts other than Segment's are meant (default: false)
    #[arg(long, value_name = "BOOL")]
    pub(crate) allow_custom_domain: Option<bool>,
    /// The workspace's slug or id (required)
    #[arg(long)]
    pub(crate) workspace: Option<String>,
    /// The access token of the workspace: env:NAME, file:PATH, or - for a line of standard input (required)
    #[arg(long, value_name = "WHERE")]
    pub(crate) access_token: Option<String>,
    /// The space id (segment_unify: required)
    #[arg(long)]
    pub(crate) space_id: Option<String>,
    /// The access secret of the space: env:NAME, file:PATH, or - for a line of standard input (segment_unify: required)
    #[arg(long, value_name = "WHERE")]
    pub(crate) access_secret: Option<String>,
    /// dataset.collection.field that holds the Segment user id (segment: required)
    #[arg(long, value_name = "FIELD")]
    pub(crate) segment_user_id: Option<String>,
    /// Regulations for one source only: its id, on the Config API its slug (default: the whole workspace)
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Calls of the Profile API a second (default: 90)
    #[arg(long, value_name = "N")]
    pub(crate) profile_requests_per_second: Option<u32>,
    /// New regulations a minute, Public API (default: 540)
    #[arg(long, value_name = "N")]
    pub(crate) regulations_per_minute: Option<u32>,
    /// Calls a minute, Config API (default: 180)
    #[arg(long, value_name = "N")]
    pub(crate) config_calls_per_minute: Option<u32>,
    /// Users a month and category (default: 110000)
    #[arg(long, value_name = "N")]
    pub(crate) monthly_users: Option<u64>,
}
