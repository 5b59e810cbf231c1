//! "Did you mean".

/// The known names nearest to `name`, as the end of a sentence: ``known: `a`, `b` ``.
#[must_use]
pub fn nearest_names<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<_> = known.map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate)).collect();
    if known.is_empty() {
        return "there is none at all".to_owned();
    }
    known.sort_unstable();
    known.dedup();
    let nearest: Vec<_> = known.iter().take(3).map(|(_, candidate)| format!("`{candidate}`")).collect();
    let more = known.len() - nearest.len();
    if more > 0 {
        format!("known are {} and {more} more", nearest.join(", "))
    } else {
        format!("known: {}", nearest.join(", "))
    }
}
