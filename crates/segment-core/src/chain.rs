//! The log's chain: each entry is hashed together with the one before it, so that none can be changed, dropped, moved or
//! slipped in without every later hash being another one.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::AuditEntry;

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

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    /// By Python: `h = sha256(b"segment-privacy log 1\n" + b"pri_1"); h = sha256(h + b'{"at":…}')`.
    #[test]
    fn a_known_chain() {
        let mut end = ChainEnd::of("pri_1");
        end.append(&entry("received", json!({"b": [1, {"z": null, "a": "ü\""}], "a": true})));
        assert_eq!((end.count, hex(&end.hash).as_str()), (1, KNOWN));
    }

    const KNOWN: &str = "b0f1fb63f512d8c2687e17501eb02966e009dab714ffcb52906f7e47c161a7d4";

    #[test]
    fn whatever_differs_makes_another_hash() {
        let chain = |subject: &str, entries: &[AuditEntry]| {
            let mut end = ChainEnd::of(subject);
            entries.iter().for_each(|entry| end.append(entry));
            end.hash
        };
        let (one, two) = (entry("one", json!({"n": 1})), entry("two", json!({})));
        let base = chain("pri_1", &[one.clone(), two.clone()]);
        let later = AuditEntry { at: one.at + std::time::Duration::from_millis(1), ..one.clone() };
        let others = [
            chain("pri_2", &[one.clone(), two.clone()]),
            chain("pri_1", &[two.clone(), one.clone()]),
            chain("pri_1", &[one.clone()]),
            chain("pri_1", &[one.clone(), two.clone(), two.clone()]),
            chain("pri_1", &[entry("one", json!({"n": 2})), two.clone()]),
            chain("pri_1", &[entry("eno", json!({"n": 1})), two.clone()]),
            chain("pri_1", &[later, two]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
