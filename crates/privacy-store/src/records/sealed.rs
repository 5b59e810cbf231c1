//! The plaintext forms of sealed columns: JSON that only this module reads and writes.

use std::collections::{BTreeMap, BTreeSet};

use segment_core::{
    ConnectionKey, DestinationReport, Identity, IdentityKind, IdentitySet, LegalHold, NewRequest, Pii, ProfileRef,
    Recipient, RegulationStatus, Resolution, RowMark, RowTrace,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

#[derive(Serialize, Deserialize)]
struct PersonForm {
    identities: Vec<(String, String)>,
    external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient: Option<RecipientForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RecipientForm {
    PublicKey(String),
    Passphrase(String),
}

/// Whom a request is about, and for whom its package is.
pub(super) struct Person {
    pub(super) identities: IdentitySet,
    pub(super) external_id: Option<Pii<String>>,
    pub(super) recipient: Option<Recipient>,
}

#[derive(Serialize, Deserialize)]
struct HoldForm {
    identities: Vec<(String, String)>,
    known: ResolutionForm,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct ResolutionForm {
    user_ids: BTreeSet<String>,
    profiles: Vec<ProfileForm>,
    identifiers: Vec<ProfileForm>,
    unreachable: u64,
    #[serde(default)]
    rows: RowTraceForm,
}

#[derive(Default, Serialize, Deserialize)]
struct RowTraceForm {
    entered_by: BTreeMap<String, BTreeMap<String, bool>>,
    #[serde(default)]
    referring: BTreeMap<String, BTreeMap<String, u64>>,
    #[serde(default)]
    shared: BTreeSet<String>,
    #[serde(default)]
    user_ids: BTreeMap<String, BTreeSet<String>>,
    marks: Vec<MarkForm>,
}

/// An earlier version wrote a list of the first three.
#[derive(Serialize, Deserialize)]
struct MarkForm {
    of: String,
    key: Vec<String>,
    digest: String,
    #[serde(default)]
    before: String,
}

/// An external id type and its value, or a profile id without a type.
#[derive(Serialize, Deserialize)]
struct ProfileForm(Option<String>, String);

#[derive(Serialize, Deserialize)]
struct DestinationForm {
    stream: String,
    id: String,
    name: String,
    status: String,
    message: String,
}

fn write(form: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // Strings, numbers and lists of them always serialise.
    Zeroizing::new(serde_json::to_vec(form).unwrap_or_default())
}

fn identity_forms(identities: &IdentitySet) -> Vec<(String, String)> {
    let pair = |identity: &Identity| (identity.kind().as_str().to_owned(), identity.value().expose().clone());
    identities.iter().map(pair).collect()
}

fn read_identities(forms: Vec<(String, String)>) -> Option<IdentitySet> {
    let identity = |(kind, value): (String, String)| Identity::new(IdentityKind::parse(&kind).ok()?, &value).ok();
    IdentitySet::new(forms.into_iter().map(identity).collect::<Option<Vec<_>>>()?).ok()
}

pub(super) fn write_person(new: &NewRequest) -> Zeroizing<Vec<u8>> {
    let recipient = |recipient: &Recipient| match recipient {
        Recipient::PublicKey(key) => Some(RecipientForm::PublicKey(key.expose().clone())),
        Recipient::Passphrase(phrase) => Some(RecipientForm::Passphrase(phrase.expose().clone())),
        _ => None,
    };
    write(&PersonForm {
        identities: identity_forms(&new.identities),
        external_id: new.external_id.as_ref().map(|id| id.expose().clone()),
        recipient: new.recipient.as_ref().and_then(recipient),
    })
}

pub(super) fn write_hold(hold: &LegalHold) -> Zeroizing<Vec<u8>> {
    write(&HoldForm {
        identities: identity_forms(&hold.identities),
        known: resolution_form(&hold.known),
        reason: hold.reason.expose().clone(),
    })
}

pub(super) fn read_hold(plain: &[u8]) -> Option<(IdentitySet, Resolution, Pii<String>)> {
    let form: HoldForm = serde_json::from_slice(plain).ok()?;
    Some((read_identities(form.identities)?, read_resolution_form(form.known)?, Pii::new(form.reason)))
}

pub(super) fn read_person(plain: &[u8]) -> Option<Person> {
    let form: PersonForm = serde_json::from_slice(plain).ok()?;
    let recipient = |form| match form {
        RecipientForm::PublicKey(key) => Recipient::PublicKey(Pii::new(key)),
        RecipientForm::Passphrase(phrase) => Recipient::Passphrase(Pii::new(phrase)),
    };
    Some(Person {
        identities: read_identities(form.identities)?,
        external_id: form.external_id.map(Pii::new),
        recipient: form.recipient.map(recipient),
    })
}

fn profile_form(profile: &ProfileRef) -> ProfileForm {
    match profile {
        ProfileRef::ExternalId { kind, value } => {
            ProfileForm(Some(kind.external_id_type().to_owned()), value.expose().clone())
        }
        ProfileRef::SegmentId(id) => ProfileForm(None, id.expose().clone()),
    }
}

fn read_profile(ProfileForm(kind, value): ProfileForm) -> Option<ProfileRef> {
    Some(match kind {
        Some(kind) => ProfileRef::external_id(IdentityKind::parse(&kind).ok()?, Pii::new(value)),
        None => ProfileRef::SegmentId(Pii::new(value)),
    })
}

fn resolution_form(resolution: &Resolution) -> ResolutionForm {
    ResolutionForm {
        user_ids: plain(&resolution.user_ids),
        profiles: resolution.profiles.iter().map(profile_form).collect(),
        identifiers: resolution.identifiers.iter().map(profile_form).collect(),
        unreachable: resolution.unreachable,
        rows: row_trace_form(&resolution.rows),
    }
}

fn row_trace_form(trace: &RowTrace) -> RowTraceForm {
    let mark = |mark: &RowMark| {
        let key = mark.key.iter().map(|value| value.expose().clone()).collect();
        MarkForm {
            of: mark.collection.clone(),
            key,
            before: mark.before.expose().clone(),
            digest: mark.digest.expose().clone(),
        }
    };
    RowTraceForm {
        entered_by: exposed(&trace.entered_by),
        referring: exposed(&trace.referring),
        shared: trace.shared.clone(),
        user_ids: trace.user_ids.iter().map(|(key, ids)| (key.as_str().to_owned(), plain(ids))).collect(),
        marks: trace.marks.iter().map(mark).collect(),
    }
}

fn plain(ids: &BTreeSet<Pii<String>>) -> BTreeSet<String> {
    ids.iter().map(|id| id.expose().clone()).collect()
}

fn secret(ids: BTreeSet<String>) -> BTreeSet<Pii<String>> {
    ids.into_iter().map(Pii::new).collect()
}

/// Values by field, each with something that is no personal data.
fn exposed<T: Copy>(by_field: &BTreeMap<String, BTreeMap<Pii<String>, T>>) -> BTreeMap<String, BTreeMap<String, T>> {
    let values =
        |values: &BTreeMap<Pii<String>, T>| values.iter().map(|(value, of)| (value.expose().clone(), *of)).collect();
    by_field.iter().map(|(field, found)| (field.clone(), values(found))).collect()
}

fn hidden<T>(by_field: BTreeMap<String, BTreeMap<String, T>>) -> BTreeMap<String, BTreeMap<Pii<String>, T>> {
    let values = |values: BTreeMap<String, T>| values.into_iter().map(|(value, of)| (Pii::new(value), of)).collect();
    by_field.into_iter().map(|(field, found)| (field, values(found))).collect()
}

fn read_row_trace(form: RowTraceForm) -> RowTrace {
    let mark = |form: MarkForm| RowMark {
        collection: form.of,
        key: form.key.into_iter().map(Pii::new).collect(),
        before: Pii::new(form.before),
        digest: Pii::new(form.digest),
    };
    RowTrace {
        entered_by: hidden(form.entered_by),
        referring: hidden(form.referring),
        shared: form.shared,
        user_ids: form.user_ids.into_iter().map(|(key, ids)| (ConnectionKey::new(key), secret(ids))).collect(),
        marks: form.marks.into_iter().map(mark).collect(),
    }
}

pub(super) fn write_resolution(resolution: &Resolution) -> Zeroizing<Vec<u8>> {
    write(&resolution_form(resolution))
}

pub(super) fn read_resolution(plain: &[u8]) -> Option<Resolution> {
    read_resolution_form(serde_json::from_slice(plain).ok()?)
}

fn read_resolution_form(form: ResolutionForm) -> Option<Resolution> {
    Some(Resolution {
        user_ids: secret(form.user_ids),
        profiles: form.profiles.into_iter().map(read_profile).collect::<Option<_>>()?,
        identifiers: form.identifiers.into_iter().map(read_profile).collect::<Option<_>>()?,
        unreachable: form.unreachable,
        rows: read_row_trace(form.rows),
    })
}

pub(super) fn write_subjects(subjects: &BTreeSet<Pii<String>>) -> Zeroizing<Vec<u8>> {
    write(&subjects.iter().map(Pii::expose).collect::<Vec<_>>())
}

pub(super) fn read_subjects(plain: &[u8]) -> Option<BTreeSet<Pii<String>>> {
    Some(secret(serde_json::from_slice(plain).ok()?))
}

pub(super) fn write_destinations(destinations: &[DestinationReport]) -> Zeroizing<Vec<u8>> {
    let form = |report: &DestinationReport| DestinationForm {
        stream: report.stream.clone(),
        id: report.id.clone(),
        name: report.name.clone(),
        status: report.status.as_str().to_owned(),
        message: report.message.expose().clone(),
    };
    write(&destinations.iter().map(form).collect::<Vec<_>>())
}

pub(super) fn read_destinations(plain: &[u8]) -> Option<Vec<DestinationReport>> {
    let forms: Vec<DestinationForm> = serde_json::from_slice(plain).ok()?;
    let read = |form: DestinationForm| DestinationReport {
        stream: form.stream,
        id: form.id,
        name: form.name,
        status: RegulationStatus::parse(&form.status),
        message: Pii::new(form.message),
    };
    Some(forms.into_iter().map(read).collect())
}
