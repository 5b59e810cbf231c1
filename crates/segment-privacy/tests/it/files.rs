//! The files that `init` writes.

use std::os::unix::fs::PermissionsExt;

use crate::run;

const UNIFY: [&str; 12] = [
    "init",
    "--kind",
    "segment_unify",
    "--workspace",
    "ac\"me",
    "--region",
    "eu",
    "--space-id",
    "spa_x",
    "--delete",
    "true",
    "--no-check",
];

#[test]
fn init_writes_a_configuration_that_works_and_keys_that_only_the_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &UNIFY);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for name in ["segment-privacy.toml", "segment-privacy.key", "evidence.key"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let shown = run(folder.path(), &["--output", "json", "config", "show"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["execution"]["masking_strict"], false);
    assert_eq!(shown["connections"][0]["domain"], "eu1.api.segmentapis.com");
    assert_eq!(shown["connections"][0]["profiles_domain"], "profiles.euw1.segment.com");
    assert_eq!(shown["connections"][0]["workspace"], "ac\"me");
}

#[test]
fn init_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("segment-privacy.key"), "mine").unwrap();
    let ran = run(folder.path(), &UNIFY);
    assert_eq!(ran.code, 2);
    assert_eq!(std::fs::read_to_string(folder.path().join("segment-privacy.key")).unwrap(), "mine");
    assert!(!folder.path().join("segment-privacy.toml").exists());
}

#[test]
fn init_without_a_terminal_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &["init", "--kind", "segment"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--region was not given; nothing was written"), "{}", ran.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
