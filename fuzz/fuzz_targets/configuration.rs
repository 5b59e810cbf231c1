//! What a configuration file holds, as the libraries read it: domains, fields of datasets, identity kinds, keys of evidence
//! and masking strategies. The file as a whole is read by the binary, whose tests cover that.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privacy_dataset::{FieldRef, MaskingStrategy};
use privacy_package::evidence::{EvidenceKey, PublicKey};
use segment_core::IdentityKind;
use segment_http::Endpoint;
use toml::{Table, Value};

fuzz_target!(|text: &str| {
    if let Ok(table) = text.parse::<Table>() {
        in_table(&table);
    }
});

fn in_table(table: &Table) {
    if let Some(name) = table.get("strategy").and_then(Value::as_str) {
        strategy(name, table.get("configuration"));
    }
    table.values().for_each(value);
}

fn value(value: &Value) {
    match value {
        Value::String(text) => {
            domain(text);
            names(text);
        }
        Value::Array(items) => items.iter().for_each(self::value),
        Value::Table(table) => in_table(table),
        _ => {}
    }
}

/// A strategy that is understood is the one that was named.
fn strategy(name: &str, configuration: Option<&Value>) {
    let configuration = configuration.and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default();
    if let Ok(strategy) = MaskingStrategy::parse(name, &configuration) {
        assert_eq!(strategy.name(), name);
    }
}

/// A credential goes to Segment or to this machine, unless another host was allowed; and to a bare host.
fn domain(text: &str) {
    if let Ok(endpoint) = Endpoint::parse(text, false) {
        let host = endpoint.host();
        let segments = ["segmentapis.com", "segment.com", "segment.io"];
        assert!(endpoint.is_loopback() || segments.iter().any(|domain| is_below(&host, domain)), "{host}");
    }
    if let Ok(endpoint) = Endpoint::parse(text, true) {
        assert!(!endpoint.host().contains(['/', '@', '?', '#']), "{}", endpoint.host());
    }
}

/// The host itself, or one below it; a port may follow.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.split(':').next().unwrap_or_default();
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// What is read and written is read as the same.
fn names(text: &str) {
    if let Ok(field) = text.parse::<FieldRef>() {
        assert_eq!(field.to_string().parse::<FieldRef>(), Ok(field));
    }
    if let Ok(kind) = IdentityKind::parse(text) {
        assert_eq!(IdentityKind::parse(kind.as_str()), Ok(kind));
    }
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string().parse::<PublicKey>(), Ok(key));
    }
    if let Ok(key) = EvidenceKey::from_base64(text) {
        assert!(!format!("{key:?}").contains(text.trim()));
    }
}
