//! `requests …`

use clap::Subcommand;

use super::Wait;

#[derive(Debug, Subcommand)]
pub(crate) enum Requests {
    /// List requests, newest first
    List {
        /// Only of this status, such as requires_attention
        #[arg(long)]
        status: Option<String>,
        /// Only those past their deadline and still open
        #[arg(long)]
        overdue: bool,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one request
    Show {
        /// The request
        id: String,
        /// Show who it is about; the request's log says so
        #[arg(long)]
        reveal: bool,
    },
    /// Show everything that happened to a request
    Log {
        /// The request
        id: String,
    },
    /// Let go on what was halted
    Retry {
        /// The request
        id: String,
        /// Send each person's next regulation with nobody else in it: for one that Segment ended as INVALID
        #[arg(long)]
        split: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// Call off what has not left yet
    Cancel {
        /// The request
        id: String,
    },
    /// Approve a pending request
    Approve {
        /// The request
        id: String,
    },
    /// Deny a pending request
    Deny {
        /// The request
        id: String,
        /// Why; the person is told
        #[arg(long, value_name = "R")]
        reason: String,
    },
    /// Close what a human settled
    Resolve {
        /// The request
        id: String,
        /// The connection or dataset of the task
        #[arg(long, value_name = "KEY")]
        task: String,
        /// How it was settled; it is kept in the log, so name nobody
        #[arg(long, value_name = "T")]
        note: String,
    },
    /// Lengthen the deadline once, as the law allows
    Extend {
        /// The request
        id: String,
        /// Why; the person is told
        #[arg(long, value_name = "R")]
        reason: String,
    },
}
