//! Names of things, each a type of its own so that they cannot be mixed up.

use std::fmt;

use jiff::Timestamp;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Wraps an id as it was received or stored; it is opaque and not checked.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A privacy request: `pri_` and a UUID of version 7 in simple form, so that ids sort by time.
    RequestId
}
id! {
    /// The key of a connection in the configuration, such as `segment_prod`.
    ConnectionKey
}
id! {
    /// A regulation at Segment (`regulateId` when created, `id` when read): opaque.
    RegulationId
}
id! {
    /// Our own name for one attempt to create a regulation: `rin_` and a UUID of version 7.
    IntentId
}

id! {
    /// A legal hold: `hld_` and a UUID of version 7.
    HoldId
}

id! {
    /// A token of the service: `tok_` and a UUID of version 7.
    TokenId
}

fn uuid_v7(now: Timestamp, random: [u8; 10]) -> uuid::Uuid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

impl RequestId {
    /// A new id. Time and randomness come from the caller: see [`Clock`](crate::ports::Clock) and
    /// [`Random`](crate::ports::Random).
    #[must_use]
    pub fn generate(now: Timestamp, random: [u8; 10]) -> Self {
        Self(format!("pri_{}", uuid_v7(now, random).simple()))
    }
}

impl IntentId {
    /// A new id; see [`RequestId::generate`].
    #[must_use]
    pub fn generate(now: Timestamp, random: [u8; 10]) -> Self {
        Self(format!("rin_{}", uuid_v7(now, random).simple()))
    }
}

impl HoldId {
    /// A new id; see [`RequestId::generate`].
    #[must_use]
    pub fn generate(now: Timestamp, random: [u8; 10]) -> Self {
        Self(format!("hld_{}", uuid_v7(now, random).simple()))
    }
}

impl TokenId {
    /// A new id; see [`RequestId::generate`].
    #[must_use]
    pub fn generate(now: Timestamp, random: [u8; 10]) -> Self {
        Self(format!("tok_{}", uuid_v7(now, random).simple()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let at = |ms| RequestId::generate(Timestamp::from_millisecond(ms).unwrap(), [7; 10]);
        assert!(at(1_700_000_000_000) < at(1_700_000_000_001));
        assert!(at(0).as_str().starts_with("pri_"));
        assert_eq!(at(0).as_str().len(), 4 + 32);
    }
}
