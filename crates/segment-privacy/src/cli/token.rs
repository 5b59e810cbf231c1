//! `token …`

use std::time::Duration;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; it is shown once, and only its hash is kept
    Create {
        /// Who or what it is for: logs show it as who did something
        #[arg(long)]
        name: String,
        /// What it may do: read (see requests), submit (ask), review (decide), package (see people and fetch packages), admin (test
        /// and change connections); repeatable
        #[arg(long, required = true, value_parser = ["read", "submit", "review", "package", "admin"])]
        scope: Vec<String>,
        /// It ends by itself after this time, such as 90d
        #[arg(long, value_name = "D", value_parser = humantime::parse_duration)]
        expires: Option<Duration>,
    },
    /// List tokens with their scopes, their ends and their last use
    List,
    /// End a token, by its name or its id
    Revoke {
        /// Its name or id
        token: String,
    },
}
