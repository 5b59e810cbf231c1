//! Behaviour the documents leave open: each switch is one reading of section 7 of docs/segment-api.md.

/// Page sizes for requests that name none.
#[derive(Clone, Copy, Debug)]
pub struct PageDefaults {
    pub(crate) traits: usize,
    pub(crate) external_ids: usize,
    pub(crate) events: usize,
    pub(crate) links: usize,
    pub(crate) regulations: usize,
}

impl Default for PageDefaults {
    /// Traits 10 \[PROF\], external ids and events 10 \[I, not stated\], links 20 \[PROF\], regulations 200 \[W-PAGE\].
    fn default() -> Self {
        Self { traits: 10, external_ids: 10, events: 10, links: 20, regulations: 200 }
    }
}

impl PageDefaults {
    /// Traits per page.
    #[must_use]
    pub fn traits(mut self, count: usize) -> Self {
        self.traits = count;
        self
    }

    /// External ids per page.
    #[must_use]
    pub fn external_ids(mut self, count: usize) -> Self {
        self.external_ids = count;
        self
    }

    /// Events per page.
    #[must_use]
    pub fn events(mut self, count: usize) -> Self {
        self.events = count;
        self
    }

    /// Links per page.
    #[must_use]
    pub fn links(mut self, count: usize) -> Self {
        self.links = count;
        self
    }

    /// Regulations and suppressions per page.
    #[must_use]
    pub fn regulations(mut self, count: usize) -> Self {
        self.regulations = count;
        self
    }
}

/// The form of the Profile API's `cursor.url`: the vendor prints all of them \[PROF\].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CursorUrl {
    /// The mock's own address with `next` and the odd `%3Acollection` keys; empty on the last page.
    #[default]
    Absolute,
    /// Like `Absolute`, but pointing at another host (scheme and authority, such as `http://127.0.0.1:9`).
    AbsoluteOn(String),
    /// A path without `next`: following it verbatim repeats the first page.
    Relative,
    /// Always empty.
    Empty,
}

/// The order of regulation lists; nothing documents it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListOrder {
    /// The newest regulation first.
    #[default]
    NewestFirst,
    /// The oldest regulation first.
    OldestFirst,
}

/// What the Public API token may do beyond GET `/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permission {
    /// Everything: the token of a Workspace Owner.
    #[default]
    Full,
    /// Regulations and suppressions answer 401, as \[W-ERR\] says for a token without permission.
    DeniedWith401,
    /// Regulations and suppressions answer 403, as \[MCP1\] expects.
    DeniedWith403,
}

/// The Config API's answers, which no document prints: docs/segment-api.md, U1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfigShape {
    pub(crate) camel_case: bool,
    pub(crate) ids: EntryIds,
}

impl ConfigShape {
    /// `overallStatus` instead of `overall_status`, and so on.
    #[must_use]
    pub fn camel_case(mut self) -> Self {
        self.camel_case = true;
        self
    }

    /// How the entries of lists say their ids.
    #[must_use]
    pub fn ids(mut self, ids: EntryIds) -> Self {
        self.ids = ids;
        self
    }
}

/// How an entry of the Config API's list says its ids \[I\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryIds {
    /// As they were sent: `attributes: {name, values}`.
    #[default]
    Attributes,
    /// As on the Public API: `subjects: […]`.
    Subjects,
}
