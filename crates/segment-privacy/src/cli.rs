//! The command line. Names and meanings are a contract that scripts rely on.
#![expect(clippy::doc_markdown, reason = "the doc comments are the help texts")]
#![expect(clippy::struct_field_names, reason = "the fields are named after their flags")]

mod connections;
mod handing_over;
mod holds;
mod requests;
mod token;
mod webhook;

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use segment_core::{Identity, IdentityError, IdentityKind, IdentitySet};

pub(crate) use connections::{ConnectionFields, Connections};
pub(crate) use handing_over::{Evidence, Package, Report};
pub(crate) use holds::Holds;
pub(crate) use requests::Requests;
pub(crate) use token::Token;
pub(crate) use webhook::Webhook;

/// Fulfil people's privacy requests at Twilio Segment and in your own tables: collect what is held on a person, or suppress, delete
/// and mask it.
#[derive(Debug, Parser)]
#[command(name = "segment-privacy", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SEGMENT_PRIVACY_CONFIG",
        default_value = "segment-privacy.toml"
    )]
    pub(crate) config: PathBuf,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// Only errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// More of what is going on (-vv, -vvv for more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How logs are printed
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented configuration and key files, then check them
    Init(Init),
    /// Test connections: every credential by itself, the owned database, the record database, where packages go
    Check {
        /// Only this connection, or this dataset
        #[arg(long, value_name = "KEY")]
        connection: Option<String>,
    },
    /// Collect everything that Segment Unify and your own tables hold on a person into a package
    Access(Access),
    /// Suppress or delete a person at Segment, and mask their rows in your own tables
    Erase(Erase),
    /// List, follow and decide on requests
    #[command(subcommand)]
    Requests(Requests),
    /// Our ledger of regulations beside Segment's, and the quota
    #[command(subcommand)]
    Regulations(Regulations),
    /// Manage the connections that are kept in the record database, and see all of them
    #[command(subcommand)]
    Connections(Connections),
    /// Place, list and lift legal holds: people who must not be erased, suppressed or masked
    #[command(subcommand)]
    Holds(Holds),
    /// Block new data of a user id
    Suppress(UserId),
    /// End the suppression of a user id
    Unsuppress(UserId),
    /// Work until stopped; several on one record database share the work and Segment's limits
    Worker {
        /// Pieces of work side by side, instead of the configured `worker.concurrency`
        #[arg(long, value_name = "N")]
        concurrency: Option<NonZeroUsize>,
    },
    /// Work until stopped, and serve the HTTP API; several on one PostgreSQL share the work
    Serve {
        /// Where to listen, instead of the configured `server.listen`
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
    },
    /// Delete packages and destroy what names people, where their time is over
    Purge {
        /// Show what would go; nothing is changed
        #[arg(long)]
        dry_run: bool,
        /// Forget, too, that this purged request was asked: the same is then a new request
        #[arg(long, value_name = "ID", conflicts_with = "dry_run")]
        forget: Vec<String>,
    },
    /// Export the log of a request as a signed document, and check one
    #[command(subcommand)]
    Evidence(Evidence),
    /// Check what a person receives
    #[command(subcommand)]
    Package(Package),
    /// Count requests by what was asked, under which law, how they ended and how long that took
    Report(Report),
    /// Make, list and revoke tokens of the HTTP service
    #[command(subcommand)]
    Token(Token),
    /// Who is told of changes: what was told, and a test
    #[command(subcommand)]
    Webhook(Webhook),
    /// Make and replace the encryption key of the record database
    #[command(subcommand)]
    Key(Key),
    /// Show the configuration, or its JSON Schema
    #[command(subcommand)]
    Config(Config),
    /// The whole story against a Segment on loopback, nothing configured
    Demo,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Identities {
    /// An e-mail address
    #[arg(long, value_name = "E")]
    email: Vec<String>,
    /// A phone number
    #[arg(long, value_name = "P")]
    phone_number: Vec<String>,
    /// A user id, exactly as your systems spell it
    #[arg(long, value_name = "U")]
    user_id: Vec<String>,
    /// An anonymous id
    #[arg(long, value_name = "A")]
    anonymous_id: Vec<String>,
    /// Any other external id type of Segment, such as ios.idfa:6D92…
    #[arg(long, value_name = "TYPE:VALUE")]
    identity: Vec<String>,
}

impl Identities {
    pub(crate) fn read(&self) -> Result<IdentitySet, IdentityError> {
        let of = |kind: IdentityKind, values: &[String]| {
            values.iter().map(|value| Identity::new(kind.clone(), value)).collect::<Result<Vec<_>, _>>()
        };
        let mut all = of(IdentityKind::Email, &self.email)?;
        all.extend(of(IdentityKind::PhoneNumber, &self.phone_number)?);
        all.extend(of(IdentityKind::UserId, &self.user_id)?);
        all.extend(of(IdentityKind::AnonymousId, &self.anonymous_id)?);
        for pair in &self.identity {
            let (kind, value) = pair.split_once(':').ok_or(IdentityError::UnknownKind)?;
            if crate::config::misspelt_kind(kind).is_some() {
                return Err(IdentityError::UnknownKind);
            }
            all.push(Identity::new(IdentityKind::parse(kind)?, value)?);
        }
        IdentitySet::new(all)
    }

    pub(crate) fn is_empty(&self) -> bool {
        [&self.email, &self.phone_number, &self.user_id, &self.anonymous_id, &self.identity]
            .iter()
            .all(|all| all.is_empty())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// Your own reference; the same reference is the same request
    #[arg(long, value_name = "X")]
    pub(crate) external_id: Option<String>,
    /// The law that sets the deadline
    #[arg(long, value_parser = ["gdpr", "ccpa"])]
    pub(crate) regime: Option<String>,
    /// Only at this connection, or only the rows of this dataset
    #[arg(long, value_name = "KEY")]
    pub(crate) connection: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// Wait until every task has ended, and for read-backs that are due
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) wait: bool,
    /// Only record; a worker does the rest
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Stop waiting after this time, such as 30s or 10m
    #[arg(long, value_name = "D", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Access {
    #[command(flatten)]
    pub(crate) identities: Identities,
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// Show who it is about; the request's log says so
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Write the package to this folder instead of the configured destination
    #[arg(long, value_name = "DIR", conflicts_with = "no_wait")]
    pub(crate) out: Option<PathBuf>,
    /// Encrypt the package with age for whoever has the key to this public key
    #[arg(long, value_name = "age1…")]
    pub(crate) recipient: Option<String>,
    /// Encrypt the package with age by the passphrase in this file
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    pub(crate) identities: Identities,
    /// Many people from a CSV file, or - for standard input: columns are identity kinds, external_id is optional
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// A name for the file, so that rows without external_id are taken once only
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(crate) batch: Option<String>,
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// Show what would be done; nothing is written anywhere
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show who it is about; the request's log says so
    #[arg(long, conflicts_with_all = ["from", "dry_run"])]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Debug, Args)]
pub(crate) struct UserId {
    /// The user id, exactly as your systems spell it
    #[arg(long, value_name = "ID", required = true)]
    pub(crate) user_id: Vec<String>,
    /// Only at this connection
    #[arg(long, value_name = "KEY")]
    pub(crate) connection: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Regulations {
    /// List our ledger beside Segment's, and the quota
    List {
        /// At most so many of ours
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one regulation, by our id or Segment's
    Show {
        /// The regulation
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Write a new key to a file that is not there yet (mode 0600)
    New {
        /// The file
        file: PathBuf,
    },
    /// Wrap everything with `key` that is wrapped with `previous_key`, while others work
    Rotate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show the configuration as it is used; secrets are not shown
    Show,
    /// Print the JSON Schema of the configuration
    Schema,
}

/// What `init` asks for. What is given here is not asked.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// segment (erasure, with an owned database) or segment_unify (access and erasure)
    #[arg(long, value_parser = ["segment", "segment_unify"])]
    pub(crate) kind: Option<String>,
    /// The workspace's slug or id
    #[arg(long)]
    pub(crate) workspace: Option<String>,
    /// us or eu
    #[arg(long, value_parser = ["us", "eu"])]
    pub(crate) region: Option<String>,
    /// The space id (segment_unify)
    #[arg(long)]
    pub(crate) space_id: Option<String>,
    /// Delete at Segment (true), or suppress only (false)
    #[arg(long, value_name = "BOOL")]
    pub(crate) delete: Option<bool>,
    /// dataset.collection.field that holds the Segment user id (segment: required)
    #[arg(long)]
    pub(crate) segment_user_id: Option<String>,
    /// The Fides dataset (segment: required)
    #[arg(long, value_name = "FILE")]
    pub(crate) dataset_file: Option<PathBuf>,
    /// Do not test the connection afterwards
    #[arg(long)]
    pub(crate) no_check: bool,
}

#[cfg(test)]
mod tests;
