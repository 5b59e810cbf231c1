//! Logs, to stderr.

use tracing_subscriber::{EnvFilter, fmt};

use crate::cli::{Color, Global, LogFormat};

/// Our own crates only. What other libraries log at trace level, such as whole URLs and headers, can hold e-mail addresses
/// and tokens.
const OURS: [&str; 8] = [
    "segment_core",
    "segment_http",
    "segment_unify",
    "privacy_engine",
    "privacy_store",
    "privacy_package",
    "privacy_service",
    "segment_privacy",
];

pub(crate) fn init(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "info",
        (_, 2) => "debug",
        _ => "trace",
    };
    let directives: Vec<_> = OURS.iter().map(|target| format!("{target}={level}")).collect();
    let filter = EnvFilter::new(format!("off,{}", directives.join(",")));
    let subscriber = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(global.color.on_stderr());
    match global.log_format {
        LogFormat::Text => subscriber.without_time().init(),
        LogFormat::Json => subscriber.json().init(),
    }
}

impl Color {
    pub(crate) fn on_stderr(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::IsTerminal::is_terminal(&std::io::stderr()),
        }
    }

    pub(crate) fn on_stdout(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::IsTerminal::is_terminal(&std::io::stdout()),
        }
    }
}
