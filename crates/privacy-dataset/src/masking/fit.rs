//! Cuts a text to the length of its column, in characters.

/// `body` and `suffix`, in at most `max_length` characters: the body is cut first, the suffix only where it does not fit
/// even alone.
pub(super) fn fit(mut body: String, suffix: &str, max_length: Option<usize>) -> String {
    let Some(max_length) = max_length else { return body + suffix };
    let suffix = start(suffix, max_length);
    let room = max_length - suffix.chars().count();
    body.truncate(start(&body, room).len());
    body + suffix
}

/// Whether `text` has at most `max_length` characters.
pub(super) fn fits(text: &str, max_length: Option<usize>) -> bool {
    max_length.is_none_or(|max_length| start(text, max_length).len() == text.len())
}

/// The first `characters` of `text`.
fn start(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}
