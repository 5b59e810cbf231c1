//! What can be asked on the command line.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::{ci::Choice, sim::Sabotage};

/// Development tasks of this workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Build segment-privacy and run its demo against the mock.
    Demo {
        /// Arguments for `segment-privacy demo`; put `--` before its own `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run segment-mock: Segment on loopback, with faults and a virtual clock.
    Mock {
        /// Arguments for `segment-mock`; put `--` before its own `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run the mocked end-to-end scenarios of crates/harness on freshly built binaries.
    E2e {
        /// Arguments for the harness, such as names of scenarios.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run the benchmarks of crates/harness on release builds.
    Bench {
        /// Arguments for the harness, such as names of benchmarks.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run the real engine on a virtual clock under seeded faults and crashes, and check its invariants after every step.
    Sim {
        /// Arguments for the simulation, such as `--seeds 500`, `--seed 7` or `--crashes`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Let the simulation catch engines that are broken on purpose: it fails where one is not caught.
    Sabotage {
        /// Only these.
        #[arg(value_enum)]
        how: Vec<Sabotage>,
    },
    /// Run all tests with a throw-away PostgreSQL and MariaDB (nextest when it is installed, and doctests).
    ///
    /// `SEGMENT_PRIVACY_TEST_POSTGRES=postgres://…` and `SEGMENT_PRIVACY_TEST_MYSQL=mysql://…` use those servers instead.
    /// Without server binaries their tests are skipped loudly; with CI=true that is a failure.
    Test {
        /// Arguments for `cargo nextest run` or `cargo test`, such as `-p segment-core`; with any, nextest
        /// runs no doctests.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// A throw-away PostgreSQL from the installed binaries, on 127.0.0.1 only.
    Db {
        #[command(subcommand)]
        task: DbTask,
    },
    /// Check the table of crates and their dependencies (ARCHITECTURE) and the manifests of published crates.
    Layers,
    /// Check sizes of files and functions, facades, left-overs, whitespace, machine paths and links.
    Tidy,
    /// Write docs/openapi.json anew from the code.
    Openapi {
        /// Write nothing; fail if the file is not what the code says.
        #[arg(long)]
        check: bool,
    },
    /// Run what continuous integration runs: the quick steps, or those that are named.
    Ci {
        /// Run only these steps, in the usual order, or `full`: the quick and the extended ones.
        #[arg(value_enum)]
        steps: Vec<Choice>,
        /// Run the remaining steps after a failure.
        #[arg(long)]
        keep_going: bool,
    },
    /// Install the tools of the extended steps, at the versions of xtask/src/tools.rs.
    Setup {
        /// Install nothing; fail if something is missing or of another version.
        #[arg(long)]
        check: bool,
    },
    /// Check that a tag is the version of every published crate, and that each crate's changelog has it.
    CheckTag {
        /// Such as v0.1.0.
        tag: String,
    },
    /// Publish each crate that the registry does not have yet, in the order of their dependencies. Without `--execute` nothing
    /// is sent.
    Publish {
        /// Send them. The registry's token comes from where cargo looks for it, such as `CARGO_REGISTRY_TOKEN`.
        #[arg(long)]
        execute: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbTask {
    /// Start a server, print its URL and leave it running.
    Start,
    /// Stop the server of `db start` and remove its data.
    Stop,
    /// Print the URL of the server of `db start`; fails when it is not running.
    Status,
    /// Run a command with `SEGMENT_PRIVACY_TEST_POSTGRES` and `SEGMENT_PRIVACY_TEST_MYSQL` pointing to servers of its own.
    Run {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}
