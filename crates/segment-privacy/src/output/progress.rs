//! A line of progress, on a terminal only.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use privacy_engine::{Progress, ProgressSink};

/// What is going on right now. It disappears when it is done.
#[derive(Debug, Clone)]
pub(crate) struct ProgressLine(ProgressBar);

impl ProgressLine {
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Where the engine tells what it does.
    pub(crate) fn sink(&self) -> ProgressSink {
        let bar = self.0.clone();
        let counts: Mutex<BTreeMap<&'static str, u64>> = Mutex::default();
        ProgressSink::new(move |progress| {
            if let Progress::Delayed { reason } = &progress {
                tracing::warn!("{reason}");
            }
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            bar.set_message(sentence(progress, &mut counts));
        })
    }

    pub(crate) fn done(&self) {
        self.0.finish_and_clear();
    }
}

fn sentence(progress: Progress, counts: &mut BTreeMap<&'static str, u64>) -> String {
    match progress {
        Progress::Resolving(_) => "finding out who it is".to_owned(),
        Progress::Collected { collection, records, .. } => {
            *counts.entry(collection).or_default() += records;
            let counts: Vec<_> = counts.iter().map(|(name, records)| format!("{records} {name}")).collect();
            format!("collecting: {}", counts.join(", "))
        }
        Progress::Reading => "reading rows of the owned databases".to_owned(),
        Progress::Masking { dataset } => format!("masking rows in {dataset}"),
        Progress::Packaging(_) => "writing the package".to_owned(),
        Progress::Sending { connection, subjects } => format!("sending {subjects} user ids to {connection}"),
        Progress::Polled { connection, status } => format!("{connection} says {status}"),
        Progress::Looking { connection, people } => format!("reading {people} people back at {connection}"),
        Progress::Delayed { reason } => format!("waiting: {reason}"),
        _ => String::new(),
    }
}
