//! What the binary prints.

use segment_mock::MockSegment;

/// The address, the tokens and a configuration that fits.
#[expect(clippy::print_stdout, reason = "the binary's one place for output")]
pub(crate) fn greeting(mock: &MockSegment) {
    let url = mock.url();
    println!("Segment mock on {url}");
    println!("  Public API token      {}", mock.public_token());
    println!("  Profile API secret    {} (space {})", mock.profile_token(), mock.space_id());
    println!("  Tracking write key    {}", mock.write_key());
    println!("  source                {}", mock.source_ids().join(", "));
    println!("  control               POST {url}/__mock/advance {{\"seconds\": 3600}}");
    println!();
    println!("For segment-privacy.toml:");
    println!();
    println!("{}", fragment(mock));
    let people = mock.people();
    if let Some(last) = people.last() {
        println!("People to ask for: {}", examples(&people).join(", "));
        println!("({} of them, up to {})", people.len(), last.email);
    }
}

/// The `[[connections]]` entry of `segment-privacy`.
fn fragment(mock: &MockSegment) -> String {
    let url = mock.url();
    [
        "[[connections]]".to_owned(),
        "key = \"mock\"".to_owned(),
        "kind = \"segment_unify\"".to_owned(),
        "api = \"public\"".to_owned(),
        format!("domain = \"{url}\""),
        format!("profiles_domain = \"{url}\""),
        format!("workspace = \"{}\"", mock.workspace_slug()),
        format!("access_token = \"{}\"", mock.public_token()),
        format!("space_id = \"{}\"", mock.space_id()),
        format!("access_secret = \"{}\"", mock.profile_token()),
        String::new(),
    ]
    .join("\n")
}

/// A plain address, one with capitals in the user id, and one of a person with two user ids.
fn examples(people: &[segment_mock::Person]) -> Vec<&str> {
    [0, 4, 3].iter().filter_map(|index| people.get(*index)).map(|person| person.email.as_str()).collect()
}

/// Why it could not start.
#[expect(clippy::print_stderr, reason = "the binary's one place for output")]
pub(crate) fn problem(reason: &std::io::Error) {
    eprintln!("segment-mock: {reason}");
}
