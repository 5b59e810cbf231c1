//! What makes the log evidence. Each entry is hashed together with the one before it, so that none can be changed, dropped, moved or
//! slipped in without every later hash being another one.

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{AuditEntry, Pii};

/// What the first hash of every chain begins with.
const LABEL: &str = "segment-privacy log 1\n";

/// Where a chain ends. The log of a request and that of a regulation are chains of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// How many entries there are.
    pub count: u64,
    /// SHA-256 over the last entry and the hash before it.
    pub hash: [u8; 32],
}

impl ChainEnd {
    /// Of a log without entries; `subject` is the id of the request or of the intent, so that no entry fits into another
    /// subject's log.
    #[must_use]
    pub fn of(subject: &str) -> Self {
        Self { count: 0, hash: Sha256::new().chain_update(LABEL).chain_update(subject).finalize().into() }
    }

    /// Adds an entry: SHA-256 of the hash before it and of the JSON text `{"at":…,"facts":…,"seq":…,"step":…}`, its members
    /// sorted, without spaces; `at` in milliseconds since 1970, `seq` from 1.
    pub fn append(&mut self, entry: &AuditEntry) {
        self.count += 1;
        let link = json!({
            "at": entry.at.as_millisecond(), "facts": entry.facts, "seq": self.count, "step": entry.step,
        });
        self.hash = Sha256::new().chain_update(self.hash).chain_update(canonical(&link)).finalize().into();
    }
}

/// The chained log of a request, or of a regulation that it was part of.
#[derive(Debug, Clone, PartialEq)]
pub struct LogChain {
    /// The id of the request or of the intent.
    pub subject: String,
    /// The entries with their hashes, oldest first.
    pub entries: Vec<(AuditEntry, [u8; 32])>,
}

/// By which ids of one person stand in the log without being told. It is another one for every request and dies with its data
/// key: then nobody can try ids against the hashes any more.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct EvidenceSalt([u8; 32]);

impl EvidenceSalt {
    /// A salt of 32 random or derived bytes.
    #[must_use]
    pub const fn new(salt: [u8; 32]) -> Self {
        Self(salt)
    }

    /// In hexadecimal digits, for whom the ids may be shown to.
    #[must_use]
    pub fn reveal(&self) -> String {
        hex::encode(self.0)
    }

    /// SHA-256 of the salt's bytes, the kind of id such as `user_id`, a colon and the id, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self, kind: &str, id: &Pii<String>) -> String {
        let hash = Sha256::new().chain_update(self.0).chain_update(kind).chain_update(":");
        hex::encode(hash.chain_update(id.expose()).finalize())
    }
}

impl fmt::Debug for EvidenceSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[salt]")
    }
}

/// A JSON text that is the same wherever it is made: members sorted by name, nothing between them.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let members: Vec<_> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn entry(step: &str, facts: Value) -> AuditEntry {
        AuditEntry::new(Timestamp::from_millisecond(1_795_500_000_123).unwrap(), step, facts)
    }

    /// By Python: `h = sha256(b"segment-privacy log 1\n" + b"pri_1"); h = sha256(h + b'{"at":…}')`.
    #[test]
    fn a_known_chain() {
        let mut end = ChainEnd::of("pri_1");
        end.append(&entry("received", json!({"b": [1, {"z": null, "a": "ü\""}], "a": true})));
        assert_eq!((end.count, hex::encode(end.hash).as_str()), (1, KNOWN));
    }

    const KNOWN: &str = "b0f1fb63f512d8c2687e17501eb02966e009dab714ffcb52906f7e47c161a7d4";

    #[test]
    fn whatever_differs_makes_another_hash() {
        let chain = |subject: &str, entries: &[AuditEntry]| {
            let mut end = ChainEnd::of(subject);
            for entry in entries {
                end.append(entry);
            }
            end.hash
        };
        let (one, two) = (entry("one", json!({"n": 1})), entry("two", json!({})));
        let base = chain("pri_1", &[one.clone(), two.clone()]);
        let later = AuditEntry { at: one.at + std::time::Duration::from_millis(1), ..one.clone() };
        let others = [
            chain("pri_2", &[one.clone(), two.clone()]),
            chain("pri_1", &[two.clone(), one.clone()]),
            chain("pri_1", std::slice::from_ref(&one)),
            chain("pri_1", &[one.clone(), two.clone(), two.clone()]),
            chain("pri_1", &[entry("one", json!({"n": 2})), two.clone()]),
            chain("pri_1", &[entry("eno", json!({"n": 1})), two.clone()]),
            chain("pri_1", &[later, two]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn an_id_is_hashed_with_its_kind_and_the_salt_is_not_shown() {
        let salt = EvidenceSalt::new([7; 32]);
        let hash = salt.hash("user_id", &"u-1".into());
        let by_hand: [u8; 32] = Sha256::digest([&[7; 32][..], b"user_id:u-1"].concat()).into();
        assert_eq!(hash, hex::encode(by_hand));
        assert_ne!(hash, salt.hash("email", &"u-1".into()));
        assert_ne!(hash, EvidenceSalt::new([8; 32]).hash("user_id", &"u-1".into()));
        assert_eq!(format!("{salt:?}"), "[salt]");
    }
}
