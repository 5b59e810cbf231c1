//! F6: removes one external id from a profile, a beta \[DPI\].

use serde_json::{Value, json};

use super::{COLLECTION, IDENTIFIER, identifier::Identifier};
use crate::answer::{Answer, error};
use crate::call::Call;
use crate::endpoint::Family;
use crate::shared::Shared;
use crate::state::World;

/// The types that cannot be removed when they are the last of a profile \[DPI\].
const KEPT: [&str; 2] = ["user_id", "group_id"];

pub(super) fn delete(call: &Call, world: &mut World, shared: &Shared) -> Result<Answer, Answer> {
    if !shared.config.identifier_deletion {
        return Err(refusal(403, "forbidden", "The feature is not enabled for this space."));
    }
    let bad = |message| refusal(400, "bad_request", message);
    if call.segment(COLLECTION) != "users" {
        return Err(bad("The collection is not valid."));
    }
    let Identifier::External { kind, value } = Identifier::parse(call.raw_segment(IDENTIFIER))? else {
        return Err(bad("A URL parameter is missing."));
    };
    if kind != "user_id" {
        return Err(bad("The profile must be named by a user_id."));
    }
    let (removed_kind, removed) = wanted(call).ok_or_else(|| bad("Exactly one external id must be given."))?;
    if (removed_kind.as_str(), &removed) == ("user_id", &value) {
        return Err(bad("The external id is the one that the profile is named by."));
    }
    let Some(mut profile) = world.profiles.take_user(&kind, &value) else {
        return Err(error(Family::Profile, 404, None));
    };
    let at = profile.external_ids.iter().position(|one| one.kind == removed_kind && one.value == removed);
    let of_kind = profile.external_ids.iter().filter(|one| one.kind == removed_kind).count();
    let answer = match at {
        None => Err(refusal(404, "eid_not_found", "The external identifier was not found.")),
        Some(_) if of_kind == 1 && KEPT.contains(&removed_kind.as_str()) => {
            Err(refusal(400, "unsupported_eid_type", "The last one of this type cannot be removed."))
        }
        Some(at) => {
            profile.external_ids.remove(at);
            Ok(Answer::json(200, json!({"code": "success", "message": "External identifier has been deleted."})))
        }
    };
    world.profiles.put(profile);
    answer
}

/// The only id of the body, with its type.
fn wanted(call: &Call) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    let [one] = body["delete_external_ids"].as_array()?.as_slice() else { return None };
    Some((one["type"].as_str()?.to_owned(), one["id"].as_str()?.to_owned()))
}

/// The codes of this call are its own \[DPI\]; the layout is inferred.
fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, json!({"error": {"code": code, "message": message}}))
}
