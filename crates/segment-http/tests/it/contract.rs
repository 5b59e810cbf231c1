//! The official OpenAPI document: everything that the client can send validates against it, every example in it parses.
//! Where SDK 73.2.0 is newer, the newer holds, and the test says where.

use std::{collections::BTreeSet, time::Duration};

use segment_core::{
    Cursor, ErrorKind, NewRegulation, Pii, RegulationId, RegulationQuery, RegulationScope, RegulationStatus,
    RegulationType, SubjectType, Submission,
    ports::{RegulationSubmit, Regulations},
};
use segment_http::{ApiRequest, public_api::requests};
use serde_json::{Value, json};

use crate::{
    raw::{Raw, reply},
    rig::{Client, client, order},
};

const WITHIN: Duration = Duration::from_secs(20);

fn document() -> Value {
    let text = include_str!("../contracts/segment-public-api-32.0.4-deletion.yaml");
    serde_saphyr::from_str(text).unwrap()
}

/// A schema of the document, with what OpenAPI 3.0 spells differently from JSON Schema: `nullable`.
fn schema(document: &Value, mut schema: Value) -> jsonschema::Validator {
    let mut components = document["components"].clone();
    nullable(&mut components);
    nullable(&mut schema);
    schema["components"] = components;
    jsonschema::validator_for(&schema).unwrap()
}

fn nullable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(nullable);
            if fields.remove("nullable") == Some(json!(true)) {
                let kind = fields.get("type").cloned().unwrap_or_default();
                fields.insert("type".to_owned(), json!([kind, "null"]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        _ => {}
    }
}

fn is_valid(validator: &jsonschema::Validator, value: &Value) {
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{value}: {errors:?}");
}

/// The query as OpenAPI names it: `pagination.count` is the member `count` of the parameter `pagination`.
fn query(request: &ApiRequest) -> Vec<(String, String)> {
    let (_, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), decode(value))).collect()
}

fn parameter(document: &Value, path: &str, name: &str) -> Value {
    let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
    let found = parameters.iter().find(|parameter| parameter["name"] == name);
    found.unwrap_or_else(|| panic!("{path} has no parameter {name}"))["schema"].clone()
}

const KINDS: [RegulationType; 6] = [
    RegulationType::SuppressOnly,
    RegulationType::SuppressWithDelete,
    RegulationType::DeleteOnly,
    RegulationType::DeleteInternal,
    RegulationType::SuppressWithDeleteInternal,
    RegulationType::Unsuppress,
];

#[test]
fn every_body_that_can_be_sent_validates() {
    let document = document();
    let operation = &document["paths"]["/regulations"]["post"];
    let content = &operation["requestBody"]["content"]["application/vnd.segment.v1+json"];
    let mut components = document.clone();
    // Newer in SDK 73.2.0: SUPPRESS_WITH_DELETE_INTERNAL, since 2024-04.
    let types = &mut components["components"]["schemas"]["CreateWorkspaceRegulationV1Input"]["properties"]["regulationType"]
        ["enum"];
    types.as_array_mut().unwrap().push(json!("SUPPRESS_WITH_DELETE_INTERNAL"));
    let validator = schema(&components, content["schema"].clone());
    for kind in KINDS {
        let mut order = order(&["u-1", "u\"2", "a\nb", "x\",\"y", "../z", "ünï"]);
        order.kind = kind.clone();
        let request = requests::create(&order);
        let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        is_valid(&validator, &body);
        assert_eq!((body["regulationType"].as_str(), request.target.as_str()), (Some(kind.as_str()), "/regulations"));
    }
    // Gone in SDK 73.2.0: BULK_DELETE_ONLY. The client cannot order it.
    assert!(KINDS.iter().all(|kind| kind.as_str() != "BULK_DELETE_ONLY"));
    assert!(!validator.is_valid(&json!({"regulationType": "DELETE", "subjectType": "USER_ID", "subjectIds": ["u"]})));
}

#[test]
fn every_body_for_a_source_validates() {
    let mut document = document();
    let source = RegulationScope::Source("qW3e".into());
    let cloud = RegulationScope::CloudSource { source: "qW3e".into(), collection: "contacts".into() };
    let new = |kind, scope: &RegulationScope, subject_type| NewRegulation {
        kind,
        subject_type,
        ..order(&["u-1", "x\",\"y"]).at(scope.clone())
    };
    for (path, target, order) in [
        (
            "/regulations/sources/{sourceId}",
            "/regulations/sources/qW3e",
            new(RegulationType::SuppressWithDelete, &source, SubjectType::UserId),
        ),
        // Newer in SDK 73.2.0: DELETE_ARCHIVE_ONLY and ANONYMOUS_ID, since 2024-12.
        (
            "/regulations/sources/{sourceId}",
            "/regulations/sources/qW3e",
            new(RegulationType::DeleteArchiveOnly, &source, SubjectType::AnonymousId),
        ),
        (
            "/regulations/cloudsources/{sourceId}",
            "/regulations/cloudsources/qW3e",
            new(RegulationType::DeleteOnly, &cloud, SubjectType::ObjectId),
        ),
    ] {
        let media = "application/vnd.segment.v1+json";
        let schema_of = document["paths"][path]["post"]["requestBody"]["content"][media]["schema"].clone();
        for (field, newer) in [("regulationType", "DELETE_ARCHIVE_ONLY"), ("subjectType", "ANONYMOUS_ID")] {
            let input = &mut document["components"]["schemas"]["CreateSourceRegulationV1Input"]["properties"][field];
            if let Some(known) = input["enum"].as_array_mut().filter(|known| !known.contains(&json!(newer))) {
                known.push(json!(newer));
            }
        }
        let request = requests::create(&order);
        let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        is_valid(&schema(&document, schema_of), &body);
        assert_eq!(request.target, target);
        assert_eq!(order.contradiction(), None);
    }
}

#[test]
fn every_query_that_can_be_sent_validates() {
    let document = document();
    let all = RegulationQuery {
        scope: RegulationScope::Workspace,
        status: Some(RegulationStatus::PartialSuccess),
        // Newer in SDK 73.2.0: SUPPRESS_WITH_DELETE_INTERNAL can be filtered by; the older document does not know it.
        kinds: KINDS.iter().filter(|kind| **kind != RegulationType::SuppressWithDeleteInternal).cloned().collect(),
        count: 1_000,
        next: Cursor::new("cmVnLTY1MDgtMDA5ODE="),
    };
    for (path, request) in [
        ("/regulations", requests::list(&all)),
        ("/suppressions", requests::suppressions(all.next.as_ref())),
        ("/suppressions", requests::suppressions(None)),
    ] {
        let mut pagination = json!({});
        for (name, value) in query(&request) {
            match name.split_once('.') {
                Some(("pagination", "count")) => pagination["count"] = value.parse::<u64>().unwrap().into(),
                Some(("pagination", member)) => pagination[member] = value.into(),
                Some((list, at)) => {
                    assert!(at.parse::<usize>().is_ok(), "{name}");
                    is_valid(&schema(&document, parameter(&document, path, list)), &json!([value]));
                }
                None => is_valid(&schema(&document, parameter(&document, path, &name)), &json!(value)),
            }
        }
        // The older document requires it, the newer does not: it is always sent, and never above the older maximum.
        is_valid(&schema(&document, parameter(&document, path, "pagination")), &pagination);
        assert!(pagination["count"].as_u64().unwrap() <= 200);
    }
}

#[test]
fn every_path_is_in_the_document() {
    let paths = document()["paths"].clone();
    assert!(paths["/"]["get"].is_object() && requests::workspace().target == "/");
    assert!(paths["/regulations/{regulateId}"]["get"].is_object());
    assert_eq!(
        requests::get(&RegulationId::new("1qJkfE1tpwvQcklImGksLN629wn")).target,
        "/regulations/1qJkfE1tpwvQcklImGksLN629wn"
    );
    assert!(paths["/suppressions"]["get"].is_object());
}

fn examples(path: &str, method: &str) -> Vec<Value> {
    let content = document()["paths"][path][method]["responses"]["200"]["content"].clone();
    let examples: Vec<_> = content.as_object().unwrap().values().map(|media| media["example"].clone()).collect();
    assert!(!examples.is_empty());
    examples
}

#[tokio::test]
async fn every_example_of_an_answer_parses() {
    for example in examples("/", "get") {
        let workspace = client(&Raw::json(&example.to_string()).await.url, "t").api.workspace().await.unwrap();
        assert_eq!((workspace.id.as_str(), workspace.slug.as_str()), ("9aQ1Lj62S4bomZKLF4DPqW", "papi-e2e"));
    }
    for example in examples("/regulations/{regulateId}", "get") {
        let raw = Raw::json(&example.to_string()).await;
        let report =
            client(&raw.url, "t").api.get(&RegulationId::new("1qJkfE1tpwvQcklImGksLN629wn")).await.unwrap().unwrap();
        assert_eq!(report.status, RegulationStatus::Finished);
        assert!(report.created_at.is_some() && report.finished_at.is_some());
    }
    for example in examples("/regulations", "get") {
        let raw = Raw::json(&example.to_string()).await;
        let page = client(&raw.url, "t").api.list(&RegulationQuery { count: 10, ..Default::default() }).await.unwrap();
        assert_eq!(page.items[0].subjects, Some([Pii::from("test_user_id_1")].into()));
        // Newer in SDK 73.2.0: entries say their type; in the older example they do not.
        assert_eq!((page.items[0].kind.clone(), page.next), (None, None));
    }
    for example in examples("/suppressions", "get") {
        let page = client(&Raw::json(&example.to_string()).await.url, "t").api.suppressions(None).await.unwrap();
        assert!(page.items.iter().all(|entry| entry.is_user && !entry.subjects.is_empty()));
    }
    for example in examples("/regulations", "post") {
        let raw = Raw::json(&example.to_string()).await;
        let sent = client(&raw.url, "t").api.create(&order(&["u"]), WITHIN).await;
        assert!(matches!(sent, Submission::Accepted(id) if id.as_str() == "1qJkfE1tpwvQcklImGksLN629wn"));
    }
}

/// A client of a server that gives the document's example of this problem.
async fn answering(path: &str, method: &str, status: u16) -> Client {
    let responses = document()["paths"][path][method]["responses"].clone();
    let example = &responses[status.to_string()]["content"]["application/json"]["example"];
    assert!(example.is_object(), "{method} {path} {status}");
    client(&Raw::answering(reply(status, &example.to_string())).await.url, "t")
}

const PROBLEMS: [(u16, &str, ErrorKind); 3] = [
    (404, "NotFound", ErrorKind::NotFound),
    (422, "ValidationFailure", ErrorKind::Invalid),
    (429, "RateLimited", ErrorKind::RateLimited),
];

#[tokio::test]
async fn every_example_of_a_problem_is_understood() {
    for (status, code, kind) in PROBLEMS {
        let id = RegulationId::new("1qJ");
        let query = RegulationQuery { count: 1, ..RegulationQuery::default() };
        let got = answering("/regulations/{regulateId}", "get", status).await.api.get(&id).await;
        let mut errors = vec![
            answering("/", "get", status).await.api.workspace().await.unwrap_err(),
            answering("/regulations", "get", status).await.api.list(&query).await.unwrap_err(),
            answering("/suppressions", "get", status).await.api.suppressions(None).await.unwrap_err(),
        ];
        match got {
            Ok(report) => assert_eq!((status, report), (404, None), "only what is not there is None"),
            Err(error) => errors.push(error),
        }
        let sent = answering("/regulations", "post", status).await.api.create(&order(&["u"]), WITHIN).await;
        match sent {
            Submission::Refused(error) if status != 429 => errors.push(error),
            Submission::NotSent(error) if status == 429 => errors.push(error),
            other => panic!("{status}: {other:?}"),
        }
        for error in errors {
            assert_eq!((error.status(), error.kind()), (Some(status), kind));
            assert!(error.to_string().contains(code), "{error}");
        }
    }
}

fn words(schema: &Value) -> BTreeSet<String> {
    schema["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// What the newer SDK 73.2.0 has, out of what the older document has.
fn newer(mut types: BTreeSet<String>) -> BTreeSet<String> {
    assert!(types.remove("BULK_DELETE_ONLY"), "gone since November 2022");
    assert!(types.insert("SUPPRESS_WITH_DELETE_INTERNAL".to_owned()), "new since April 2024");
    types
}

#[test]
fn types_and_statuses_are_those_of_sdk_73_2_0() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let known: BTreeSet<_> = KINDS.iter().map(|kind| kind.as_str().to_owned()).collect();
    let created = &schemas["CreateWorkspaceRegulationV1Input"]["properties"]["regulationType"];
    assert_eq!(newer(words(created)), known);
    assert_eq!(newer(words(&parameter(&document, "/regulations", "regulationTypes")["items"])), known);
    for status in words(&parameter(&document, "/regulations", "status")) {
        let read = RegulationStatus::parse(&status);
        assert!(!matches!(read, RegulationStatus::Other(_)), "{status}");
        assert_eq!(read.as_str(), status);
    }
}

#[tokio::test]
async fn what_sdk_73_2_0_adds_to_an_answer_is_read() {
    // Newer: a type in every entry. Newer: pagination may be left out, and a `next` of null or "" is the last page.
    for pagination in
        ["", r#","pagination":{"current":"MA==","next":null}"#, r#","pagination":{"current":"MA==","next":""}"#]
    {
        let entry = r#"{"id":"r","subjectType":"USER_ID","subjects":["u"],"status":"RUNNING","createdAt":"2026-08-02T08:15:30Z",
            "regulationType":"SUPPRESS_WITH_DELETE_INTERNAL"}"#;
        let raw = Raw::json(&format!(r#"{{"data":{{"regulations":[{entry}]{pagination}}}}}"#)).await;
        let page = client(&raw.url, "t").api.list(&RegulationQuery { count: 10, ..Default::default() }).await.unwrap();
        assert_eq!(page.items[0].kind, Some(RegulationType::SuppressWithDeleteInternal));
        assert_eq!(page.next, None);
    }
}
