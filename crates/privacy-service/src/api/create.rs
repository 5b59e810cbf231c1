//! Asking for accesses and erasures.

use axum::{Json, extract::State};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use privacy_engine::{Asked, EngineError, Taken};
use segment_core::{Action, Intake, Pii, Recipient, ports::StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    body::Body,
    fides::{PrivacyRequest, Show},
    idempotency::{self, IdempotencyKey},
    identity::Identities,
};
use crate::{
    Desk, RequestPolicy,
    auth::{Caller, May, Submit},
    private::Private,
    problem::Problem,
    reference,
    service::Service,
};

/// What one call may ask for, at most.
pub(super) const MOST: usize = 50;
/// Clocks differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// A request that is older than this was mistyped.
const OLDEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// One request.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPrivacyRequest {
    /// Who it is about.
    pub(super) identity: Identities,
    /// What is asked: `default_access_policy`, `default_erasure_policy`, or one that is configured.
    #[schema(example = "default_erasure_policy")]
    pub(super) policy_key: String,
    /// Your own reference: the same reference is the same request, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 1024)]
    external_id: Option<Private<String>>,
    /// When the person asked, if not now: the deadline is counted from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    requested_at: Option<Timestamp>,
    /// The package of an access is encrypted with age by this passphrase.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, write_only, min_length = 1)]
    encryption_key: Option<Private<String>>,
    /// Of Fides, and without meaning here.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>)]
    #[expect(dead_code, reason = "clients of Fides may send it")]
    property_id: Option<serde::de::IgnoredAny>,
    /// Of Fides, and without meaning here.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>)]
    #[expect(dead_code, reason = "clients of Fides may send it")]
    source: Option<serde::de::IgnoredAny>,
}

/// What became of a call about several.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bulk {
    /// What was done, each as it is now.
    pub(crate) succeeded: Vec<PrivacyRequest>,
    /// What was not done, and why.
    pub(crate) failed: Vec<Failed>,
}

/// What was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failed {
    /// Why, and what to do.
    #[schema(value_type = String)]
    pub(crate) message: Private<String>,
    /// Why, as a stable code.
    pub(super) code: &'static str,
    /// What was asked, without secrets.
    #[schema(value_type = Object)]
    pub(super) data: Private<Value>,
}

impl Failed {
    pub(super) fn new(problem: &Problem, data: Value) -> Self {
        Self { message: Private(problem.detail().to_owned()), code: problem.code(), data: Private(data) }
    }
}

/// Ask for accesses and erasures: up to 50, recorded together. One that cannot be taken is told and does not keep back the others.
#[utoipa::path(
    post, path = "/privacy-request", tag = "requests", security(("bearer" = ["submit"])),
    request_body(content = Vec<NewPrivacyRequest>, description = "1 to 50 requests"),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same call again with the same key is the same requests again")),
    responses((status = 200, description = "What was recorded, or was recorded before, and what was not", body = Bulk))
)]
pub(super) async fn create(
    State(service): State<Service>,
    May(caller, _): May<Submit>,
    headers: HeaderMap,
    Body(asked): Body<Vec<NewPrivacyRequest>>,
) -> Result<Json<Bulk>, Problem> {
    let key = IdempotencyKey::read(&headers, &caller.token)?;
    take(&service, &caller, key, &asked).await.map(Json)
}

/// Records what can be taken, and says of each what became of it.
pub(crate) async fn take(
    service: &Service,
    caller: &Caller,
    key: Option<IdempotencyKey>,
    asked: &[NewPrivacyRequest],
) -> Result<Bulk, Problem> {
    let (desk, now) = (service.desk(), service.clock().now());
    check_number(asked.len())?;
    let (mut taken, mut failed) = (Vec::new(), Vec::new());
    for (place, one) in asked.iter().enumerate() {
        match one.read(desk.as_ref(), now) {
            Ok(mut asked) => {
                let keyed = key.as_ref().filter(|_| asked.external_id.is_none());
                asked.external_id = asked.external_id.or_else(|| keyed.map(|key| key.reference(place)));
                asked.all_or_none = keyed.is_some();
                asked.by = Some(caller.name.clone());
                taken.push((place, asked));
            }
            Err(problem) => failed.push((place, problem)),
        }
    }
    let recorded = record(service, desk.as_ref(), taken, now).await?;
    let mut succeeded = Vec::new();
    for (place, outcome) in recorded {
        match outcome {
            Ok(request) => succeeded.push(request),
            Err(problem) => failed.push((place, problem)),
        }
    }
    failed.sort_by_key(|(place, _)| *place);
    let data = |place: usize| serde_json::to_value(&asked[place]).unwrap_or_default();
    let failed = failed.iter().map(|(place, problem)| Failed::new(problem, data(*place))).collect();
    Ok(Bulk { succeeded, failed })
}

pub(super) fn check_number(number: usize) -> Result<(), Problem> {
    if (1..=MOST).contains(&number) {
        return Ok(());
    }
    Err(Problem::invalid("wrong_number", format!("the body holds {number} requests; a call takes 1 to {MOST}")))
}

type Recorded = Vec<(usize, Result<PrivacyRequest, Problem>)>;

/// Records them, all or none, and shows each as it is then.
async fn record(
    service: &Service,
    desk: &dyn Desk,
    taken: Vec<(usize, Asked)>,
    now: Timestamp,
) -> Result<Recorded, Problem> {
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let engine = desk.engine();
    let asked: Vec<_> = taken.iter().map(|(_, asked)| asked.clone()).collect();
    let answers = match service.gathering().intake(engine, asked).await {
        Err(EngineError::Store(StoreError::NotTogether)) => return Err(idempotency::reused()),
        answers => answers?,
    };
    // A worker of this process need not wait for its next look.
    engine.hint().notify_one();
    let mut recorded = Vec::new();
    for ((place, asked), answer) in taken.into_iter().zip(answers) {
        let outcome = match &answer.intake {
            Intake::ExternalIdConflict(other) => Err(Problem::invalid(
                "external_id_conflict",
                format!("the external id belongs to {other}, which asks for something else; give this one another"),
            )),
            _ => shown(desk, &answer, &asked, now).await,
        };
        recorded.push((place, outcome));
    }
    Ok(recorded)
}

async fn shown(desk: &dyn Desk, answer: &Taken, asked: &Asked, now: Timestamp) -> Result<PrivacyRequest, Problem> {
    if let Some(request) = answer.recorded() {
        return Ok(PrivacyRequest::new(&request, &[], Show::Nobody, now));
    }
    let (store, id) = (desk.engine().store().as_ref(), answer.id());
    let request = store.request(id).await?.ok_or_else(|| Problem::no_such_request(id.as_str()))?;
    // Once what names the person is destroyed nobody knows for whom it was.
    if asked.recipient.is_some() && request.identities.is_some() && request.recipient != asked.recipient {
        return Err(Problem::invalid(
            "recipient_conflict",
            format!(
                "this was asked before, as {id}, and its package is for somebody else, or not encrypted; cancel that first"
            ),
        ));
    }
    PrivacyRequest::of(store, &request, Show::Nobody, now).await
}

impl NewPrivacyRequest {
    /// What is asked, if it can be taken.
    pub(crate) fn read(&self, desk: &dyn Desk, now: Timestamp) -> Result<Asked, Problem> {
        let policy = self.policy(desk)?;
        let identities =
            self.identity.read().map_err(|error| Problem::invalid("identity_refused", error.to_string()))?;
        let external_id = self.external_id.as_ref().map(|id| id.0.as_str());
        if external_id.is_some_and(|id| id.trim().is_empty() || id.len() > 1024 || !reference::is_free(id)) {
            return Err(Problem::invalid("external_id_invalid", "an external_id must hold 1 to 1024 bytes of text"));
        }
        if let Some(at) = self.requested_at {
            if at > now.saturating_add(SKEW).unwrap_or(now) {
                return Err(Problem::invalid("requested_at_invalid", "requested_at lies in the future"));
            }
            if now.duration_since(at) > OLDEST {
                return Err(Problem::invalid("requested_at_invalid", "requested_at lies more than ten years back"));
            }
        }
        let passphrase = self.encryption_key.as_ref();
        let recipient = passphrase.map(|key| Recipient::Passphrase(Pii::new(key.0.clone())));
        if let Some(recipient) = &recipient {
            if policy.action != Action::Access {
                let why = "encryption_key is for the package of an access; an erasure has none";
                return Err(Problem::invalid("recipient_refused", why));
            }
            desk.check_recipient(recipient)?;
        }
        desk.engine().connections_for(policy.action, None)?;
        Ok(Asked {
            external_id: external_id.map(Pii::from),
            regime: policy.regime,
            received_at: self.requested_at,
            recipient,
            ..Asked::new(policy.action, identities)
        })
    }

    pub(super) fn policy(&self, desk: &dyn Desk) -> Result<RequestPolicy, Problem> {
        RequestPolicy::find(desk.policies(), &self.policy_key).ok_or_else(|| {
            let known = RequestPolicy::keys(desk.policies()).join(", ");
            Problem::invalid("policy_unknown", format!("there is no policy {:?}; there are: {known}", self.policy_key))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_request_is_shown_by_accident() {
        let asked: NewPrivacyRequest = serde_json::from_str(
            r#"{"identity": {"email": "ann@example.test"}, "policy_key": "default_access_policy", "external_id": "ann-7",
                "encryption_key": "ann's passphrase"}"#,
        )
        .unwrap();
        let data = serde_json::to_value(&asked).unwrap();
        assert_eq!((&data["external_id"], &data["encryption_key"]), (&"ann-7".into(), &Value::Null));
        let failed = Failed::new(&Problem::invalid("policy_unknown", "there is no policy \"ann\""), data);
        let shown = format!("{asked:?} {failed:?}");
        assert!(!shown.contains("ann"), "{shown}");
    }
}
