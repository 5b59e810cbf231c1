//! The Profile API: what Unify knows of one person or account \[PROF\].

mod cursor;
mod delete_id;
mod events;
mod external_ids;
mod identifier;
mod links;
mod metadata;
mod params;
mod traits;

use axum::http::header;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::{Answer, error};
use crate::basic_auth::basic_user;
use crate::call::Call;
use crate::endpoint::{Endpoint, Family};
use crate::shared::Shared;
use crate::state::{StoredProfile, World};
use identifier::Identifier;

/// Positions in `/v1/spaces/{space}/collections/{collection}/profiles/{identifier}/{resource}`.
const SPACE: usize = 2;
const COLLECTION: usize = 4;
const IDENTIFIER: usize = 6;

/// A request whose profile has been found.
struct Found<'a> {
    call: &'a Call,
    shared: &'a Shared,
    profile: &'a StoredProfile,
    now: Timestamp,
}

pub(crate) fn handle(call: &Call, world: &mut World, shared: &Shared, now: Timestamp) -> Answer {
    let request_id = format!("{}-{}", world.ids.token(4), world.ids.token(4)).to_lowercase();
    let paced = world.profile_rate.take().map_err(|wait| {
        let seconds = wait.as_secs() + 1;
        error(Family::Profile, 429, None).header("retry-after", &seconds.to_string())
    });
    let answer = paced.and_then(|()| admitted(call, shared)).and_then(|()| match call.endpoint {
        Endpoint::ProfileDeleteExternalId => delete_id::delete(call, world, shared),
        _ => judge(call, world, shared, now),
    });
    let answer = answer.unwrap_or_else(|refusal| refusal);
    answer.header("request-id", &request_id)
}

fn admitted(call: &Call, shared: &Shared) -> Result<(), Answer> {
    let user = call.header(header::AUTHORIZATION).and_then(basic_user);
    if user.as_deref() != Some(&shared.config.profile_token) {
        return Err(error(Family::Profile, 401, None));
    }
    if call.endpoint == Endpoint::Unknown {
        return Err(error(Family::Profile, 404, Some("The resource was not found.")));
    }
    if call.segment(SPACE) != shared.config.space_id {
        return Err(error(Family::Profile, 404, Some("The space was not found.")));
    }
    Ok(())
}

fn judge(call: &Call, world: &World, shared: &Shared, now: Timestamp) -> Result<Answer, Answer> {
    let profile = look_up(call, world)?;
    let found = Found { call, shared, profile, now };
    match call.endpoint {
        Endpoint::ProfileTraits => traits::answer(&found),
        Endpoint::ProfileExternalIds => external_ids::answer(&found),
        Endpoint::ProfileEvents => events::answer(&found),
        Endpoint::ProfileLinks => links::answer(&found),
        _ => Ok(metadata::answer(profile)),
    }
}

fn look_up<'a>(call: &Call, world: &'a World) -> Result<&'a StoredProfile, Answer> {
    let collection = call.segment(COLLECTION);
    if let Some(bad) = collection.chars().find(|one| !one.is_ascii_alphanumeric() && *one != '_') {
        let message = format!("The parameter `collection` has invalid character(s) `{bad}`");
        return Err(invalid(&message));
    }
    let profile = match Identifier::parse(call.raw_segment(IDENTIFIER))? {
        _ if collection != "users" && collection != "accounts" => None,
        Identifier::Segment(id) => world.profiles.by_segment_id(&collection, &id),
        Identifier::External { kind, value } => world.profiles.by_external_id(&collection, &kind, &value),
        Identifier::Bare => None,
    };
    profile.ok_or_else(|| error(Family::Profile, 404, None))
}

/// 400 `validation_error`.
fn invalid(message: &str) -> Answer {
    error(Family::Profile, 400, Some(message))
}

/// An external id where it is not the subject itself: in events and links.
fn reference(collection: &str, kind: &str, value: &str) -> Value {
    json!({"collection": collection, "type": kind, "id": value, "encoding": "none"})
}
