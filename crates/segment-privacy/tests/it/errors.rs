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
fn what_cannot_be_undone_is_not_done_without_a_yes() {
    let folder = tempfile::tempdir().unwrap();
    let text = CONNECTION.replace("{ env = \"NOT_SET\" }", "\"t\"");
    std::fs::write(folder.path().join("key"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let config = format!("[encryption]\nkey = {{ file = \"key\" }}\n\n{text}");
    std::fs::write(folder.path().join("segment-privacy.toml"), config).unwrap();
    let ran = run(folder.path(), &["erase", "--email", "ann@example.com"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: this cannot be undone, and there is no terminal to ask at
     hint: give --yes
    ");
    let listed = run(folder.path(), &["--output", "json", "requests", "list"]);
    assert_eq!((listed.code, listed.stdout.trim()), (0, "{\n  \"requests\": []\n}"), "nothing was recorded");
    let missing = run(folder.path(), &["requests", "show", "pri_x"]);
    assert_eq!(missing.code, 6);
}
