//! The Public API's answers against the official OpenAPI 32.0.4; where 73.2.0 is newer, the newer holds.

use std::collections::BTreeMap;

use segment_mock::{DestinationStatus, Endpoint, Fault, FaultRule, MockConfig, Outcome, Which};
use serde_json::{Value, json};

use crate::support::{Api, DAY, Reply, SOURCE, regulation};

const CONTRACT: &str = include_str!("../contracts/segment-public-api-32.0.4-deletion.yaml");

struct Contract(Value);

impl Contract {
    fn load() -> Self {
        let mut document: Value = serde_saphyr::from_str(CONTRACT).expect("the contract is YAML");
        translate_nullable(&mut document);
        // 73.2.0: `finishedAt` of a regulation is optional; 32.0.4 demanded it.
        let required = &mut document["components"]["schemas"]["regulation"]["required"];
        required.as_array_mut().expect("required").retain(|field| field != "finishedAt");
        Self(document)
    }

    /// Validates one answer against the schema of its operation and status.
    fn check(&self, method: &str, path: &str, reply: &Reply) {
        let pointer = |text: &str| text.replace('~', "~0").replace('/', "~1");
        let reference = format!(
            "#/paths/{}/{method}/responses/{}/content/{}/schema",
            pointer(path),
            reply.status,
            pointer("application/json")
        );
        let found = self.0.pointer(&reference[1..]);
        assert!(found.is_some(), "no such answer in the contract: {reference}");
        let mut schema = self.0.clone();
        schema["$ref"] = found.expect("a schema")["$ref"].clone();
        let validator = jsonschema::draft7::new(&schema).expect("a schema");
        let errors: Vec<String> = validator.iter_errors(&reply.json()).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{method} {path} {}: {errors:?}\n{}", reply.status, reply.body);
    }
}

/// `nullable: true` is OpenAPI's own; JSON Schema says it with a second type.
fn translate_nullable(value: &mut Value) {
    if value["nullable"] == json!(true) {
        value["type"] = json!([value["type"], "null"]);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(translate_nullable),
        Value::Array(members) => members.iter_mut().for_each(translate_nullable),
        _ => {}
    }
}

/// Each endpoint of the contract with a good and a bad request.
async fn ask(api: &Api, path: &str, good: bool) -> Vec<(&'static str, Reply)> {
    let real = path.replace("{sourceId}", SOURCE);
    let source = if good { real } else { path.replace("{sourceId}", &"x".repeat(256)) };
    match path {
        "/" => vec![("get", api.get("/").await)],
        "/regulations/{regulateId}" => {
            let id = api.regulate("DELETE_ONLY", &["a"]).await;
            let path = format!("/regulations/{}", if good { id } else { "x".repeat(256) });
            vec![("get", api.get(&path).await), ("delete", api.delete(&path).await)]
        }
        "/suppressions" => vec![("get", api.get(&format!("{path}?pagination.count={}", u8::from(good))).await)],
        _ => {
            let mut body = regulation("SUPPRESS_WITH_DELETE_INTERNAL", &["a"]);
            if path.contains("cloudsources") {
                body = json!({
                    "regulationType": "DELETE_ONLY", "subjectType": "OBJECT_ID", "subjectIds": ["a"],
                    "collection": "contacts",
                });
            }
            if !good {
                body = json!({"subjectIds": [1, ""]});
            }
            let mut replies = vec![("post", api.post(&source, &body).await)];
            if !path.contains("cloudsources") {
                let count = if good { 1000 } else { 0 };
                replies.push(("get", api.get(&format!("{source}?pagination.count={count}")).await));
            }
            replies
        }
    }
}

const PATHS: [&str; 6] = [
    "/",
    "/regulations",
    "/regulations/{regulateId}",
    "/regulations/sources/{sourceId}",
    "/regulations/cloudsources/{sourceId}",
    "/suppressions",
];

#[test]
fn every_path_of_the_contract_is_asked() {
    let contract = Contract::load();
    let paths: Vec<&String> = contract.0["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.len(), PATHS.len());
    assert!(paths.iter().all(|path| PATHS.contains(&path.as_str())), "{paths:?}");
}

#[tokio::test]
async fn good_answers_fit() {
    let contract = Contract::load();
    let api = Api::new(MockConfig::new().paginate_source_lists(true));
    for path in PATHS {
        for (method, reply) in ask(&api, path, true).await {
            assert_eq!(reply.status, 200, "{}", reply.body);
            contract.check(method, path, &reply);
        }
    }
}

#[tokio::test]
async fn a_finished_regulation_fits() {
    let contract = Contract::load();
    let api = Api::plain();
    let destination = DestinationStatus::new("Analytics", "NOT_SUPPORTED").error("not supported");
    api.mock.set_outcome(Which::Next, Outcome::failed().destination(destination));
    let id = api.regulate("DELETE_ONLY", &["a"]).await;
    api.mock.advance(DAY * 4);
    contract.check("get", "/regulations/{regulateId}", &api.get(&format!("/regulations/{id}")).await);
    contract.check("get", "/regulations", &api.get("/regulations").await);
}

#[tokio::test]
async fn validation_failures_fit() {
    let contract = Contract::load();
    let api = Api::plain();
    for path in PATHS.into_iter().filter(|path| *path != "/") {
        for (method, reply) in ask(&api, path, false).await {
            assert_eq!(reply.status, 422, "{method} {path}: {}", reply.body);
            contract.check(method, path, &reply);
        }
    }
}

#[tokio::test]
async fn not_found_and_rate_limits_fit() {
    let contract = Contract::load();
    let api = Api::plain();
    contract.check("get", "/regulations/{regulateId}", &api.get("/regulations/nobody").await);
    contract.check("delete", "/regulations/{regulateId}", &api.delete("/regulations/nobody").await);
    let unknown = regulation("SUPPRESS_ONLY", &["a"]);
    contract.check("post", "/regulations/sources/{sourceId}", &api.post("/regulations/sources/slug", &unknown).await);
    let faults = [
        Fault::not_found(),
        Fault::invalid_field("subjectIds[17]", "\"subjectIds[17]\" must be a string"),
        Fault::rate_limited(),
        Fault::retry_after(3),
        Fault::ms_before_next(41_873),
        Fault::reset_in(DAY),
        Fault::quota_exhausted(),
    ];
    for fault in faults {
        for path in PATHS {
            api.mock.clear_faults();
            for endpoint in endpoints(path) {
                api.mock.fault(FaultRule::new(fault.clone()).on(*endpoint).always());
            }
            for (method, reply) in ask(&api, path, true).await {
                assert!(matches!(reply.status, 404 | 422 | 429), "{method} {path}: {}", reply.status);
                contract.check(method, path, &reply);
            }
        }
    }
}

fn endpoints(path: &str) -> &'static [Endpoint] {
    match path {
        "/" => &[Endpoint::Workspace],
        "/regulations" => &[Endpoint::CreateRegulation, Endpoint::ListRegulations],
        "/regulations/{regulateId}" => &[Endpoint::GetRegulation, Endpoint::DeleteRegulation],
        "/regulations/sources/{sourceId}" => &[Endpoint::CreateSourceRegulation, Endpoint::ListSourceRegulations],
        "/regulations/cloudsources/{sourceId}" => &[Endpoint::CreateCloudSourceRegulation],
        _ => &[Endpoint::ListSuppressions],
    }
}

/// The enums of 73.2.0 that 32.0.4 does not have, and one that it had: the mock follows the newer.
#[tokio::test]
async fn newer_enums_hold() {
    let contract = Contract::load();
    let old = &contract.0["components"]["schemas"]["CreateWorkspaceRegulationV1Input"]["properties"];
    let old: Vec<&str> = old["regulationType"]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let api = Api::plain();
    let mut accepted = BTreeMap::new();
    for kind in old.iter().copied().chain(["SUPPRESS_WITH_DELETE_INTERNAL"]) {
        accepted.insert(kind, api.post("/regulations", &regulation(kind, &["a"])).await.status == 200);
    }
    let differs: Vec<&str> =
        accepted.iter().filter(|(kind, accepted)| old.contains(kind) != **accepted).map(|(kind, _)| *kind).collect();
    assert_eq!(differs, ["BULK_DELETE_ONLY", "SUPPRESS_WITH_DELETE_INTERNAL"]);
    // 32.0.4 has no `regulationType` in list entries and stops at 200 a page.
    let list = api.get("/regulations?pagination.count=1000").await;
    assert!(list.json()["data"]["regulations"][0]["regulationType"].is_string());
    let entry = &contract.0["components"]["schemas"]["RegulationListEntryV1"]["properties"];
    assert!(entry.get("regulationType").is_none());
}

/// The harness itself must be able to fail.
#[tokio::test]
#[should_panic(expected = "regulateId")]
async fn a_wrong_answer_does_not_fit() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::accept_without_id()));
    let reply = api.post("/regulations", &regulation("DELETE_ONLY", &["a"])).await;
    Contract::load().check("post", "/regulations", &reply);
}
