//! Which documented endpoint a request means.

use serde::{Deserialize, Serialize};

/// An endpoint of one of the vendor's APIs, named as in docs/segment-api.md. What both APIs of regulations have is one endpoint:
/// a fault or a count concerns it on either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Endpoint {
    /// P0, GET `/`; C2, GET `/v1beta/workspaces/{slug}`.
    Workspace,
    /// P1, POST `/regulations`; C3, POST `.../workspaces/{slug}/regulations`.
    CreateRegulation,
    /// P2, POST `/regulations/sources/{sourceId}`; C7, POST `.../workspaces/{slug}/sources/{source}/regulations`.
    CreateSourceRegulation,
    /// P3, POST `/regulations/cloudsources/{sourceId}`.
    CreateCloudSourceRegulation,
    /// P4, GET `/regulations/{regulateId}`; C5, GET `.../workspaces/{slug}/regulations/{regulate_id}`.
    GetRegulation,
    /// P5, GET `/regulations`; C4, GET `.../workspaces/{slug}/regulations`.
    ListRegulations,
    /// P6, GET `/regulations/sources/{sourceId}`.
    ListSourceRegulations,
    /// P7, GET `/suppressions`; C8, GET `.../workspaces/{slug}/suppressed-users`.
    ListSuppressions,
    /// P8, DELETE `/regulations/{regulateId}`; C6, DELETE `.../workspaces/{slug}/regulations/{regulate_id}`.
    DeleteRegulation,
    /// C1, GET `/v1beta/workspaces`.
    ListWorkspaces,
    /// F1, GET `.../traits`.
    ProfileTraits,
    /// F2, GET `.../external_ids`.
    ProfileExternalIds,
    /// F3, GET `.../events`.
    ProfileEvents,
    /// F4, GET `.../metadata`.
    ProfileMetadata,
    /// F5, GET `.../links`.
    ProfileLinks,
    /// F6, POST `.../external_ids/delete`.
    ProfileDeleteExternalId,
    /// POST `/v1/identify`.
    Identify,
    /// POST `/v1/batch`.
    Batch,
    /// Anything else.
    Unknown,
}

/// The API an address belongs to: it decides the authentication and the shape of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Public,
    Profile,
    Tracking,
    /// The legacy Config API.
    Config,
}

impl Endpoint {
    /// Finds the endpoint of a method and the raw (still encoded) path segments.
    pub(crate) fn of(method: &str, segments: &[&str]) -> Self {
        if let ["v1beta", config @ ..] = segments {
            return Self::of_config(method, config);
        }
        if segments.len() > 1 && segments.contains(&"") {
            // A trailing slash or an empty id is another path, and no document has it.
            return Self::Unknown;
        }
        match (method, segments) {
            ("GET", [""]) => Self::Workspace,
            ("POST", ["regulations"]) => Self::CreateRegulation,
            ("GET", ["regulations"]) => Self::ListRegulations,
            ("POST", ["regulations", "sources", _]) => Self::CreateSourceRegulation,
            ("GET", ["regulations", "sources", _]) => Self::ListSourceRegulations,
            ("POST", ["regulations", "cloudsources", _]) => Self::CreateCloudSourceRegulation,
            ("GET", ["regulations", _]) => Self::GetRegulation,
            ("DELETE", ["regulations", _]) => Self::DeleteRegulation,
            ("GET", ["suppressions"]) => Self::ListSuppressions,
            ("GET", ["v1", "spaces", _, "collections", _, "profiles", _, resource]) => Self::of_profile(resource),
            ("POST", ["v1", "spaces", _, "collections", _, "profiles", _, "external_ids", "delete"]) => {
                Self::ProfileDeleteExternalId
            }
            ("POST", ["v1", "identify"]) => Self::Identify,
            ("POST", ["v1", "batch"]) => Self::Batch,
            _ => Self::Unknown,
        }
    }

    /// Fides asks for the workspaces with a trailing slash \[I*\].
    fn of_config(method: &str, segments: &[&str]) -> Self {
        match (method, segments) {
            ("GET", ["workspaces"] | ["workspaces", ""]) => return Self::ListWorkspaces,
            _ if segments.contains(&"") => return Self::Unknown,
            _ => {}
        }
        match (method, segments) {
            ("GET", ["workspaces", _]) => Self::Workspace,
            ("POST", ["workspaces", _, "regulations"]) => Self::CreateRegulation,
            ("GET", ["workspaces", _, "regulations"]) => Self::ListRegulations,
            ("GET", ["workspaces", _, "regulations", _]) => Self::GetRegulation,
            ("DELETE", ["workspaces", _, "regulations", _]) => Self::DeleteRegulation,
            ("POST", ["workspaces", _, "sources", _, "regulations"]) => Self::CreateSourceRegulation,
            ("GET", ["workspaces", _, "suppressed-users"]) => Self::ListSuppressions,
            _ => Self::Unknown,
        }
    }

    fn of_profile(resource: &str) -> Self {
        match resource {
            "traits" => Self::ProfileTraits,
            "external_ids" => Self::ProfileExternalIds,
            "events" => Self::ProfileEvents,
            "metadata" => Self::ProfileMetadata,
            "links" => Self::ProfileLinks,
            _ => Self::Unknown,
        }
    }
}

impl Family {
    /// The API of a path; unknown paths belong to the Public API, which owns `/`.
    pub(crate) fn of(segments: &[&str]) -> Self {
        match segments {
            ["v1beta", ..] => Self::Config,
            ["v1", "spaces", ..] => Self::Profile,
            ["v1", ..] => Self::Tracking,
            _ => Self::Public,
        }
    }
}
