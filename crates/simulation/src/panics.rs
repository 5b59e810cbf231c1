//! Panics: a piece of work that panics is left to its lease, and must not go unseen for that.

use std::{cell::Cell, panic};

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// Counts from now on.
pub(crate) fn watch() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        PANICS.with(|panics| panics.set(panics.get() + 1));
        told(what);
    }));
}

/// Panics of this thread so far; a run has one thread.
pub(crate) fn count() -> u64 {
    PANICS.with(Cell::get)
}
