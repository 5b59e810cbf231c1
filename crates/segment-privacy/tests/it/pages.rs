//! What is made from the command line and the configuration themselves.

use crate::run;

#[test]
fn the_schema_holds_every_section() {
    let ran = run(&std::env::temp_dir(), &["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    for section in [
        "database",
        "execution",
        "packages",
        "retention",
        "encryption",
        "tracking",
        "worker",
        "connections",
        "datasets",
    ] {
        assert!(schema["properties"].get(section).is_some(), "{section}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn completions_and_the_manual_page() {
    let folder = std::env::temp_dir();
    assert!(run(&folder, &["completions", "bash"]).stdout.contains("complete -F"));
    assert!(run(&folder, &["man"]).stdout.contains(".TH segment-privacy 1"));
    assert_eq!(run(&folder, &["--help"]).code, 0);
    assert_eq!(run(&folder, &["acces"]).code, 2);
}
