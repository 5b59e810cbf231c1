//! Errors as scripts read them.

use crate::run;

const CONNECTION: &str = "[[connections]]\nkey = \"c\"\nkind = \"segment_unify\"\ndomain = \"api.segmentapis.com\"\n\
    workspace = \"acme\"\naccess_token = { env = \"NOT_SET\" }\nspace_id = \"spa_x\"\naccess_secret = \"s\"\n";

#[test]
fn a_missing_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &["--output", "json", "check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(ran.stderr, @r#"{"error":{"code":"config_missing","hint":"`segment-privacy init` writes one; --config FILE or SEGMENT_PRIVACY_CONFIG names another","message":"the configuration segment-privacy.toml cannot be read: No such file or directory (os error 2)"}}"#);
}

#[test]
fn a_secret_that_is_not_set_names_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("segment-privacy.toml"), CONNECTION).unwrap();
    let ran = run(folder.path(), &["access", "--email", "ann@example.com"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r#"
    error: the access_token of connection c is to come from the environment variable NOT_SET, which is not set
     hint: set it for this command, or write { file = "…" }: export NOT_SET=…
    "#);
}

#[test]
fn nobody_is_suppressed_without_a_yes() {
    let folder = tempfile::tempdir().unwrap();
    let text = CONNECTION.replace("{ env = \"NOT_SET\" }", "\"t\"");
    std::fs::write(folder.path().join("key"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let config = format!("[encryption]\nkey = {{ file = \"key\" }}\n\n{text}");
    std::fs::write(folder.path().join("segment-privacy.toml"), config).unwrap();
    let ran = run(folder.path(), &["erase", "--email", "ann@example.com"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: At Segment (c), this person will be suppressed: blocked, nothing deleted, until it is ended with `unsuppress`. There is no terminal to ask at
     hint: give --yes
    ");
    let listed = run(folder.path(), &["--output", "json", "requests", "list"]);
    assert_eq!((listed.code, listed.stdout.trim()), (0, "{\n  \"requests\": []\n}"), "nothing was recorded");
    let missing = run(folder.path(), &["requests", "show", "pri_x"]);
    assert_eq!(missing.code, 6);
}

#[test]
fn a_file_without_a_header_names_nobody_and_a_misspelt_one_its_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONNECTION.replace("{ env = \"NOT_SET\" }", "\"t\"");
    std::fs::write(folder.path().join("segment-privacy.toml"), config).unwrap();
    for (text, told) in [
        ("ann@example.com\n", "column 1 of the first line is not an identity kind; is the header missing?"),
        ("emial\nann@example.com\n", "the column emial is not known, did you mean email?"),
    ] {
        std::fs::write(folder.path().join("people.csv"), text).unwrap();
        let ran = run(folder.path(), &["erase", "--from", "people.csv", "--yes"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(told) && !ran.stderr.contains("ann@"), "{}", ran.stderr);
    }
    let ran = run(folder.path(), &["erase", "--from", "people.csv", "--external-id", "x", "--yes"]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot name everybody"), "{}", ran.stderr);
    let ran = run(folder.path(), &["erase", "--email", "ann@example.com\nben@example.com", "--yes"]);
    assert!(ran.code == 2 && ran.stderr.contains("a quote not closed"), "{}", ran.stderr);
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for() {
    let ran = run(&std::env::temp_dir(), &["--output", "json", "acces"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!((ran.code, error["error"]["code"].as_str()), (2, Some("usage")));
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[database]\nurl = \"postgres://u:sekret@127.0.0.1/x\"\n";
    std::fs::write(folder.path().join("segment-privacy.toml"), config).unwrap();
    let ran = run(folder.path(), &["config", "show"]);
    assert!(ran.code == 0 && ran.stdout.contains("postgres://(hidden)@127.0.0.1/x"), "{}", ran.stdout);
}

#[test]
fn what_the_hint_says_helps() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONNECTION.replace("{ env = \"NOT_SET\" }", "\"t\"");
    std::fs::write(folder.path().join("segment-privacy.toml"), &config).unwrap();
    let told = |args: &[&str]| {
        let ran = run(folder.path(), args);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        ran.stderr
    };
    // Where the record database cannot be opened, it may hold the connection: that is what has to be mended first.
    assert!(told(&["check", "--connection", "nope"]).contains("SEGMENT_PRIVACY_KEY, which is not set"));
    std::fs::write(folder.path().join("key"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let config = format!("[encryption]\nkey = {{ file = \"key\" }}\n\n{config}");
    std::fs::write(folder.path().join("segment-privacy.toml"), &config).unwrap();
    assert!(told(&["check", "--connection", "nope"]).contains("there are: c"));
    assert!(told(&["erase", "--from", ".", "--yes"]).contains(". is a folder, not a file"));
    assert!(told(&["--output", "json", "demo"]).contains("\"code\":\"demo_is_for_people\""));
    std::fs::write(folder.path().join("segment-privacy.toml"), config.replace("\"t\"", "42")).unwrap();
    assert!(told(&["check"]).contains("a secret is a string, { env = \"NAME\" } or { file = \"PATH\" }"));
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_wrong_usage() {
    use std::os::unix::ffi::OsStrExt;
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_segment-privacy"))
        .args(["--output", "json", "holds", "remove"])
        .arg(std::ffi::OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((output.status.code(), error["error"]["code"].as_str()), (Some(2), Some("usage")));
}

#[test]
fn a_configuration_that_is_no_text_is_not_called_missing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("segment-privacy.toml"), b"\xff\xfe").unwrap();
    let ran = run(folder.path(), &["--output", "json", "check"]);
    assert!(ran.code == 2 && ran.stderr.contains("config_unreadable"), "{}", ran.stderr);
}
