//! Unknown keys, with the nearest known one.

/// Turns serde's "unknown field" into a sentence for people; other messages stay as they are.
pub(crate) fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (true, Some((unknown, known))) = (message.starts_with("unknown field"), quoted.split_first()) else {
        return message.to_owned();
    };
    match nearest(unknown, known) {
        Some(near) => format!("unknown key `{unknown}`, did you mean `{near}`?"),
        None => format!("unknown key `{unknown}`; known are: {}", known.join(", ")),
    }
}

/// The known identity kind that a name was probably meant to be: custom kinds are allowed, misspelt ones find nobody.
pub(crate) fn misspelt_kind(name: &str) -> Option<&'static str> {
    let known = ["email", "phone_number", "phone", "user_id", "anonymous_id", "external_id"];
    let close = |kind: &&str| strsim::damerau_levenshtein(name, kind) <= 2;
    known.into_iter().find(close).filter(|_| !known.contains(&name))
}

/// The known name that is most like the given one, if it is like it at all.
pub(crate) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &&&str| strsim::damerau_levenshtein(unknown, name);
    let near = known.iter().min_by_key(distance)?;
    (strsim::damerau_levenshtein(unknown, near) <= near.len().max(3) / 2).then_some(near)
}
