use std::path::PathBuf;

use super::{Dialect, environment, load::read, model::ConfigFile, resolved::resolve};

const UNIFY: &str = r#"
[[connections]]
key = "segment_prod"
kind = "segment_unify"
domain = "api.segmentapis.com"
workspace = "acme"
access_token = "t"
space_id = "spa_x"
access_secret = "s"
"#;

fn load(text: &str, overrides: &[(&str, &str)]) -> Result<super::Loaded, crate::error::CliError> {
    let overrides: Vec<_> = overrides.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    resolve(read(text, "segment-privacy.toml", &overrides)?, PathBuf::from("."))
}

fn refused(text: &str) -> String {
    let error = load(text, &[]).unwrap_err();
    assert_eq!(error.exit, crate::error::Exit::Usage);
    error.message
}

#[test]
fn the_documented_defaults() {
    let loaded = load(UNIFY, &[]).unwrap();
    assert!(loaded.policy.masking_strict);
    assert_eq!(loaded.connections[0].domain.host(), "api.segmentapis.com");
    assert_eq!(loaded.connections[0].profiles_domain.host(), "profiles.segment.com");
    assert_eq!(loaded.connections[0].monthly_users, 110_000);
}

#[test]
fn the_region_sets_all_hosts() {
    let eu = UNIFY.replace("domain = \"api.segmentapis.com\"", "region = \"eu\"");
    let loaded = load(&eu, &[]).unwrap();
    assert_eq!(loaded.connections[0].domain.host(), "eu1.api.segmentapis.com");
    assert_eq!(loaded.connections[0].profiles_domain.host(), "profiles.euw1.segment.com");
}

#[test]
fn misspelt_keys_name_their_line_and_the_nearest() {
    let message = refused("[execution]\nmasking_stict = true\n");
    assert_eq!(message, "segment-privacy.toml, line 2: unknown key `masking_stict`, did you mean `masking_strict`?");
    assert!(refused(&format!("{UNIFY}acces_token = \"x\"\n")).contains("did you mean `access_token`?"));
    assert!(refused("[tracking]\nsettle = \"soon\"\n").contains("\"soon\" is not a time span"));
}

#[test]
fn the_environment_overrides_and_names_entries_by_key() {
    let overrides = [
        ("SEGMENT_PRIVACY__EXECUTION__MASKING_STRICT", "false"),
        ("SEGMENT_PRIVACY__CONNECTIONS__SEGMENT_PROD__WORKSPACE", "12345"),
        ("SEGMENT_PRIVACY__CONNECTIONS__SEGMENT_PROD__LIMITS__MONTHLY_USERS", "5"),
        ("SEGMENT_PRIVACY__CONNECTIONS__SEGMENT_PROD__ACCESS_TOKEN", "{ env = \"T\" }"),
    ];
    let loaded = load(UNIFY, &overrides).unwrap();
    assert!(!loaded.policy.masking_strict);
    assert_eq!(loaded.connections[0].workspace, "12345");
    assert_eq!(loaded.connections[0].monthly_users, 5);
    let error = load(UNIFY, &[("SEGMENT_PRIVACY__CONNECTIONS__SEGMENT_PRD__WORKSPACE", "x")]).unwrap_err();
    assert!(error.message.contains("did you mean SEGMENT_PROD?"), "{}", error.message);
    let error = load(UNIFY, &[("SEGMENT_PRIVACY__EXECUTION__MASKING_STICT", "true")]).unwrap_err();
    assert!(error.message.contains("did you mean `masking_strict`?"), "{}", error.message);
}

#[test]
fn the_domain_decides_the_dialect() {
    let dialect = |text: &str| load(text, &[]).unwrap().connections[0].dialect;
    let without = UNIFY.lines().filter(|line| !line.starts_with("domain")).collect::<Vec<_>>().join("\n");
    assert_eq!(dialect(&without), Dialect::Config, "the default domain is the Config API's");
    assert_eq!(dialect(UNIFY), Dialect::Public);
    assert_eq!(dialect(&UNIFY.replace("api.segmentapis.com", "eu1.api.segmentapis.com")), Dialect::Public);
    let here = UNIFY.replace("api.segmentapis.com", "http://127.0.0.1:1");
    assert!(refused(&here).contains("say which API it is"));
    assert_eq!(dialect(&here.replace("kind =", "api = \"config\"\nkind =")), Dialect::Config);
}

#[test]
fn what_would_do_harm_is_refused() {
    let without = |key: &str| UNIFY.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
    assert!(refused(&without("workspace")).contains("needs `workspace`"));
    assert!(refused(&without("access_token")).contains("needs `access_token`"));
    assert!(refused(&without("space_id")).contains("needs `space_id`"));
    assert!(refused(&without("access_secret")).contains("needs `access_secret`"));
    let eu = UNIFY.replace("kind =", "region = \"eu\"\nkind =");
    assert!(
        refused(&eu.replace("api.segmentapis.com", "platform.segmentapis.com")).contains("does not exist in the EU")
    );
    let said = UNIFY.replace("kind =", "api = \"config\"\nkind =");
    assert!(refused(&said).contains("is not what api.segmentapis.com speaks"));
    let lacking = "[execution]\nmasking_strict = false\nregulation = \"suppress_with_delete_internal\"\n";
    assert!(
        refused(&format!("{lacking}{}", without("domain")))
            .contains("Config API, which has no SUPPRESS_WITH_DELETE_INTERNAL")
    );
    assert!(load(&format!("{lacking}{UNIFY}"), &[]).is_ok(), "the Public API has it");
    let with = |from: &str, to: &str| UNIFY.replace(from, to);
    assert!(refused(&with("api.segmentapis.com", "evil.example")).contains("not a domain of Segment"));
    assert!(refused(&with("api.segmentapis.com", "http://api.segmentapis.com")).contains("plain http"));
    assert!(refused(&with("segment_unify", "segment")).contains("needs `segment_user_id`"));
    let twice = format!("{UNIFY}{}", UNIFY.replace("segment_prod", "other"));
    assert!(refused(&twice).contains("on the same host and workspace"));
    assert!(refused("[execution]\nregulation = \"suppress_only\"\n").contains("deletes nothing"));
    assert!(refused("[retention]\nidentities_days = 7\n").contains("ends before the last of tracking.verify_after"));
}

#[test]
fn a_database_is_shown_without_its_password() {
    for (url, shown) in [
        ("postgres://me:hunter2@db.acme.example/records", "postgres://(hidden)@db.acme.example/records"),
        ("postgres://db.acme.example/records?user=me&password=hunter2", "postgres://db.acme.example/records"),
        ("postgres://me:hunt@er2@db/records?options=a@b", "postgres://(hidden)@db/records"),
        ("sqlite://what?@is this.db", "sqlite://what?@is this.db"),
    ] {
        let loaded = load(&format!("[database]\nurl = \"{url}\"\n"), &[]).unwrap();
        let text = toml::to_string(&loaded.file).unwrap();
        assert!(text.contains(&format!("url = \"{shown}\"")) && !text.contains("er2"), "{text}");
        assert!(!format!("{loaded:?}").contains("er2"));
    }
}

#[test]
fn secrets_are_never_shown() {
    let loaded = load(UNIFY, &[]).unwrap();
    assert!(!format!("{loaded:?}").contains("\"t\""));
    assert!(toml::to_string(&loaded.file).unwrap().contains("access_token = \"(hidden)\""));
}

/// What the schema calls so, at any depth: the names of properties.
fn properties(schema: &serde_json::Value, of: &[&str], found: &mut std::collections::BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let kinds = property["type"].as_array().cloned().unwrap_or_else(|| vec![property["type"].clone()]);
        if kinds.iter().any(|kind| of.iter().any(|of| kind == of)) {
            found.insert(name.clone());
        }
    }
    for inner in schema["$defs"].as_object().into_iter().flat_map(serde_json::Map::values) {
        properties(inner, of, found);
    }
}

#[test]
fn every_key_can_be_set_by_the_environment() {
    let schema = schemars::schema_for!(ConfigFile).to_value();
    let mut not_text = std::collections::BTreeSet::new();
    properties(&schema, &["boolean", "integer"], &mut not_text);
    assert!(not_text.contains("behind_proxy"), "{not_text:?}");
    let known = environment::NOT_TEXT.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(not_text, known);

    let lists = schema["properties"].as_object().unwrap().iter();
    let lists: std::collections::BTreeSet<_> =
        lists.filter(|(_, one)| one["type"] == "array").map(|(name, _)| name.as_str()).collect();
    assert_eq!(lists, environment::LISTS.into());
}
