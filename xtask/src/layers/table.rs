//! The table of the architecture. To change the diagram, change it here and in docs/architecture.md, with a reason.

/// What a crate may use of ours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Uses {
    /// Exactly these: one that is not used is reported too, so that the table stays true.
    Only(&'static [&'static str]),
    /// Any: the composition root.
    Any,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) uses: Uses,
    /// Libraries that must not be below it, not even through others.
    pub(super) never_below: &'static [&'static str],
}

/// Lowest first. A row whose crate does not exist yet is fine.
pub(super) const LAYERS: &[Layer] = &[
    Layer { name: "segment-core", uses: Uses::Only(&[]), never_below: &["tokio", "reqwest", "sqlx"] },
    Layer { name: "segment-http", uses: Uses::Only(&["segment-core"]), never_below: &["sqlx"] },
    Layer { name: "segment-unify", uses: Uses::Only(&["segment-core", "segment-http"]), never_below: &["sqlx"] },
    Layer { name: "privacy-dataset", uses: Uses::Only(&["segment-core"]), never_below: &["tokio", "reqwest", "sqlx"] },
    Layer { name: "privacy-store", uses: Uses::Only(&["segment-core", "privacy-dataset"]), never_below: &["reqwest"] },
    Layer { name: "privacy-package", uses: Uses::Only(&["segment-core"]), never_below: &["sqlx"] },
    Layer { name: "privacy-engine", uses: Uses::Only(&["segment-core"]), never_below: &["reqwest", "sqlx"] },
    Layer { name: "privacy-service", uses: Uses::Only(&["segment-core", "privacy-engine"]), never_below: &["sqlx"] },
    // Shares no code with our clients, so that it can disagree with them.
    Layer { name: "segment-mock", uses: Uses::Only(&[]), never_below: &["reqwest", "sqlx"] },
    Layer { name: "segment-privacy", uses: Uses::Any, never_below: &[] },
];

/// Unpublished crates of development: they may use anything.
pub(super) const EXEMPT: &[&str] = &["harness", "simulation", "xtask"];

/// Which crates may name a library in their normal dependencies.
///
/// privacy-service's webhook sender has a resolver of its own that refuses private addresses.
pub(super) const KEEPERS: &[(&str, &[&str])] =
    &[("reqwest", &["segment-http", "privacy-service"]), ("sqlx", &["privacy-store"])];
