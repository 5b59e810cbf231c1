//! Where one identity leads: the owned database, then the Profile API, until nothing new turns up.

use std::{collections::BTreeSet, iter};

use futures_util::TryStreamExt;
use segment_core::{
    ErrorKind, ExternalIdsQuery, Identity, IdentityKind, Page, Paged, Pii, ProfileRef, SegmentError, Service, pages,
    ports::Profiles,
};

use super::{
    puzzle::{Puzzle, ResolveError},
    trace::{Profile, Trace},
};
use crate::Sources;

pub(super) async fn walk(sources: &Sources, identity: &Identity, most: usize) -> Result<Trace, ResolveError> {
    let mut trace = Trace::default();
    if identity.kind() == &IdentityKind::UserId {
        trace.add_user_id(identity.value());
    }
    if let Some(directory) = &sources.directory {
        let answer = directory.user_ids(identity, most + 1).await?;
        if answer.searched {
            trace.looked.push(format!("the owned database, by {}", identity.kind()));
        }
        trace.mismatched = answer.mismatched;
        if answer.truncated || answer.user_ids.len() > most {
            return Err(ResolveError::Puzzle(Puzzle::TooManyIds(most)));
        }
        answer.user_ids.iter().for_each(|id| trace.add_user_id(id));
    }
    if let Some(profiles) = &sources.profiles {
        follow(profiles.as_ref(), identity, &mut trace, most).await?;
    }
    if trace.person.user_ids.len().max(trace.person.profile_user_ids.len()) > most {
        return Err(ResolveError::Puzzle(Puzzle::TooManyIds(most)));
    }
    Ok(trace)
}

/// Looks up the identity, and then every user id that led to no profile yet.
async fn follow(api: &dyn Profiles, identity: &Identity, trace: &mut Trace, most: usize) -> Result<(), ResolveError> {
    trace.looked.push(format!("the Profile API, by {}", identity.kind()));
    let mut asked = BTreeSet::new();
    let mut next = vec![ProfileRef::external_id(identity.kind().clone(), identity.value().clone())];
    while let Some(reference) = next.pop() {
        if !asked.insert(reference.clone()) || trace.knows(&reference) {
            continue;
        }
        trace.person.identifiers.insert(reference.clone());
        if let Some((found_by, profile)) = look_up(api, &reference).await? {
            trace.add_profile(&reference, found_by, profile);
        }
        if trace.person.profile_user_ids.len() > most {
            return Err(ResolveError::Puzzle(Puzzle::TooManyIds(most)));
        }
        let ids = trace.person.user_ids.iter();
        next.extend(
            ids.map(|id| ProfileRef::external_id(IdentityKind::UserId, id.clone())).filter(|id| !asked.contains(id)),
        );
    }
    Ok(())
}

/// As given, then lower-cased (docs/segment-api.md, U16).
async fn look_up(api: &dyn Profiles, reference: &ProfileRef) -> Result<Option<(ProfileRef, Profile)>, SegmentError> {
    for spelling in spellings(reference) {
        if let Some(profile) = read(api, &spelling).await? {
            return Ok(Some((spelling, profile)));
        }
    }
    Ok(None)
}

/// The spellings under which Segment may know a profile: as given, and lower-cased if that differs (docs/segment-api.md, U16).
pub(crate) fn spellings(reference: &ProfileRef) -> impl Iterator<Item = ProfileRef> {
    let lower = match reference {
        ProfileRef::ExternalId { kind, value } => {
            let lower = ProfileRef::external_id(kind.clone(), Pii::new(value.expose().to_lowercase()));
            (&lower != reference).then_some(lower)
        }
        ProfileRef::SegmentId(_) => None,
    };
    iter::once(reference.clone()).chain(lower)
}

async fn read(api: &dyn Profiles, reference: &ProfileRef) -> Result<Option<Profile>, SegmentError> {
    let external_ids = async {
        let fetch = |next| {
            let query = ExternalIdsQuery { next, ..ExternalIdsQuery::default() };
            async move { there(api.external_ids(reference, &query).await?) }
        };
        match pages(Service::ProfileApi, fetch).try_collect::<Vec<_>>().await {
            Ok(all) => {
                let ids: Vec<_> = all.into_iter().flat_map(|page| page.items).map(|id| (id.kind, id.value)).collect();
                Ok(Some(ids))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    };
    let (metadata, external_ids) = tokio::try_join!(api.metadata(reference), external_ids)?;
    match (metadata, external_ids) {
        (None, None) => Ok(None),
        (None, Some(ids)) if ids.is_empty() => Ok(None),
        // A profile that is just being made or deleted, perhaps. Half of it would read as a person without user ids, of whom
        // nothing has to be deleted: it is asked again.
        (Some(_), None) | (None, Some(_)) => Err(SegmentError::new(Service::ProfileApi, ErrorKind::Unreadable)),
        (Some(metadata), Some(external_ids)) => Ok(Some(Profile {
            address: metadata.segment_id.map_or_else(|| reference.clone(), ProfileRef::SegmentId),
            external_ids,
        })),
    }
}

/// Where the profile is known to be there, "not found" for a part of it is an error, not an empty list.
pub(crate) fn there<T>(page: Option<Page<T>>) -> Paged<T> {
    page.map(Some).ok_or_else(|| SegmentError::new(Service::ProfileApi, ErrorKind::NotFound).with_status(404))
}
