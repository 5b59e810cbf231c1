//! What a mock is started with.

mod switches;

use std::time::Duration;

pub use switches::{ConfigShape, CursorUrl, EntryIds, ListOrder, PageDefaults, Permission};

use crate::clock::VirtualClock;

const HOUR: Duration = Duration::from_hours(1);

/// Settings of a [`MockSegment`](crate::MockSegment); the default needs no change for most tests.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch by itself")]
pub struct MockConfig {
    pub(crate) workspace_id: String,
    pub(crate) workspace_slug: String,
    pub(crate) workspace_name: String,
    /// How the Config API names the workspace by id.
    pub(crate) config_workspace_id: String,
    pub(crate) public_token: String,
    pub(crate) config_token: String,
    pub(crate) profile_token: String,
    pub(crate) space_id: String,
    pub(crate) write_key: String,
    pub(crate) sources: Vec<String>,
    /// The same sources as the Config API names them, in the same order.
    pub(crate) source_slugs: Vec<String>,
    pub(crate) port: u16,
    pub(crate) latency: Duration,
    pub(crate) running_after: Duration,
    pub(crate) finished_after: Duration,
    pub(crate) eventual: Duration,
    pub(crate) clock: VirtualClock,
    pub(crate) seed: u64,
    pub(crate) profiles: usize,
    pub(crate) pages: PageDefaults,
    pub(crate) require_pagination: bool,
    pub(crate) paginate_source_lists: bool,
    pub(crate) cap_limits: bool,
    pub(crate) ignore_event_times: bool,
    pub(crate) cursor_url: CursorUrl,
    pub(crate) order: ListOrder,
    pub(crate) permission: Permission,
    pub(crate) identifier_deletion: bool,
    pub(crate) monthly_quota: u64,
    pub(crate) posts_per_minute: Option<u32>,
    pub(crate) config_calls_per_minute: Option<u32>,
    pub(crate) profile_calls_per_second: Option<u32>,
    pub(crate) config_shape: ConfigShape,
    pub(crate) keep_requests: usize,
}

impl Default for MockConfig {
    fn default() -> Self {
        Self {
            workspace_id: "7hT2mQx9LpVbN4cRk8sWzA".into(),
            workspace_slug: "acme".into(),
            workspace_name: "Acme".into(),
            config_workspace_id: "k3v9x2m1q7".into(),
            public_token: "mock-public-token".into(),
            config_token: "mock-config.token".into(),
            profile_token: "mock-space-secret".into(),
            space_id: "spa_mock".into(),
            write_key: "mock-write-key".into(),
            sources: vec!["qW3eR5tY7uI9oP1aS2dF4g".into()],
            source_slugs: vec!["web".into()],
            port: 0,
            latency: Duration::ZERO,
            running_after: HOUR,
            finished_after: HOUR * 72,
            eventual: Duration::ZERO,
            clock: VirtualClock::default(),
            seed: 1,
            profiles: 0,
            pages: PageDefaults::default(),
            require_pagination: false,
            paginate_source_lists: false,
            cap_limits: false,
            ignore_event_times: false,
            cursor_url: CursorUrl::Absolute,
            order: ListOrder::NewestFirst,
            permission: Permission::Full,
            identifier_deletion: true,
            monthly_quota: 110_000,
            posts_per_minute: None,
            config_calls_per_minute: None,
            profile_calls_per_second: None,
            config_shape: ConfigShape::default(),
            keep_requests: usize::MAX,
        }
    }
}

/// Makes one setter; each is documented where it is listed.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident : $kind:ty),+ $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: $kind) -> Self {
            self.$name = $name;
            self
        })+
    };
}

impl MockConfig {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The workspace that GET `/` describes.
    #[must_use]
    pub fn workspace(mut self, id: impl Into<String>, slug: impl Into<String>, name: impl Into<String>) -> Self {
        self.workspace_id = id.into();
        self.workspace_slug = slug.into();
        self.workspace_name = name.into();
        self
    }

    /// The Public API token (`mock-public-token`).
    #[must_use]
    pub fn public_token(mut self, token: impl Into<String>) -> Self {
        self.public_token = token.into();
        self
    }

    /// The Config API token (`mock-config.token`).
    #[must_use]
    pub fn config_token(mut self, token: impl Into<String>) -> Self {
        self.config_token = token.into();
        self
    }

    /// The Profile API token of the space (`mock-space-secret`).
    #[must_use]
    pub fn profile_token(mut self, token: impl Into<String>) -> Self {
        self.profile_token = token.into();
        self
    }

    /// The Unify space (`spa_mock`).
    #[must_use]
    pub fn space_id(mut self, id: impl Into<String>) -> Self {
        self.space_id = id.into();
        self
    }

    /// The write key of the first source (`mock-write-key`).
    #[must_use]
    pub fn write_key(mut self, key: impl Into<String>) -> Self {
        self.write_key = key.into();
        self
    }

    /// Adds a source that the source-scoped endpoints know; the default knows `qW3eR5tY7uI9oP1aS2dF4g`, which the Config API
    /// calls `web`.
    #[must_use]
    pub fn source(mut self, id: impl Into<String>, slug: impl Into<String>) -> Self {
        self.sources.push(id.into());
        self.source_slugs.push(slug.into());
        self
    }

    setters! {
        /// A fixed port instead of a free one.
        port: u16,
        /// How long every answer takes, in real time.
        latency: Duration,
        /// How long a regulation stays INITIALIZED (virtual time, one hour).
        running_after: Duration,
        /// How long a regulation takes from creation to its outcome (virtual time, three days).
        finished_after: Duration,
        /// How long a new regulation is invisible to get and list (virtual time, none); docs/segment-api.md, U23.
        eventual: Duration,
        /// The clock; keep a clone to move it.
        clock: VirtualClock,
        /// Seed of ids and generated people.
        seed: u64,
        /// How many people to generate at the start.
        profiles: usize,
        /// Page sizes for requests that name none.
        pages: PageDefaults,
        /// Answer 422 to a list without pagination, as OpenAPI 32.0.4 demanded \[OAS22\].
        require_pagination: bool,
        /// Add `pagination` to the regulations of a source, as the example of \[OAS22\] but not its schema does; U7.
        paginate_source_lists: bool,
        /// Cap a Profile API `limit` over the maximum silently instead of answering 400; U13.
        cap_limits: bool,
        /// Answer as if `start` and `end` of the events were not there: what a client must not be taken in by.
        ignore_event_times: bool,
        /// The form of the Profile API's `cursor.url`; U14.
        cursor_url: CursorUrl,
        /// The order of regulation lists; U23.
        order: ListOrder,
        /// What the Public API token may do; U5.
        permission: Permission,
        /// Whether the space has the beta that removes external ids \[DPI\].
        identifier_deletion: bool,
        /// Subjects per category and calendar month (110,000 \[DEL\]).
        monthly_quota: u64,
        /// Limits POSTs of regulations per real minute (600 \[TS 73.1\]); off by default.
        posts_per_minute: Option<u32>,
        /// Limits all calls of the Config API per real minute (200 \[CFGD\]); off by default.
        config_calls_per_minute: Option<u32>,
        /// Limits the calls of the Profile API within any real second (100 \[PROF\]); off by default.
        profile_calls_per_second: Option<u32>,
        /// The Config API's answers, which no document prints; U1.
        config_shape: ConfigShape,
        /// How many recorded requests to keep (all).
        keep_requests: usize,
    }
}
