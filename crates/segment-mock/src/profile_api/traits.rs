//! F1: traits, at most 200 a page \[PROF, GH-6534\].

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::profile_api::Found;
use crate::state::{Trait, TraitClass};

const MAX: usize = 200;

pub(super) fn answer(found: &Found<'_>) -> Result<Answer, Answer> {
    let limit = found.limit(found.shared.config.pages.traits, MAX)?;
    let class = found.choice("class", &["audience", "computed_trait"])?;
    let include = found.call.query.list("include");
    let verbose = found.call.query.get("verbose") == Some("true");
    let of_class = |one: &&Trait| match class {
        Some("audience") => one.class == TraitClass::Audience,
        Some(_) => one.class == TraitClass::Computed,
        None => true,
    };
    let included = |one: &&Trait| include.as_ref().is_none_or(|keys| keys.contains(&one.key.as_str()));
    let all: Vec<&Trait> = found.profile.traits.iter().filter(of_class).filter(included).collect();
    // `next` is the name of the trait the next page starts with.
    let page = found.page(all, limit, |one| one.key.clone())?;
    let traits: Map<String, Value> =
        page.members.into_iter().map(|one| (one.key.clone(), value(one, verbose))).collect();
    let mut cursor = found.cursor(page.next.as_deref());
    cursor["limit"] = json!(limit);
    Ok(Answer::json(200, json!({"traits": traits, "cursor": cursor})))
}

fn value(one: &Trait, verbose: bool) -> Value {
    if verbose {
        json!({"value": one.value, "source_id": one.source_id, "updated_at": one.updated_at})
    } else {
        one.value.clone()
    }
}
