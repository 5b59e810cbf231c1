//! C1 to C8: the legacy Config API.

use reqwest::Method;
use segment_mock::{
    ConfigShape, DestinationStatus, Endpoint, EntryIds, Fault, FaultRule, MockConfig, Outcome, Permission, Which,
};
use serde_json::{Value, json};

use crate::support::{Api, DAY, HOUR, Reply, SOURCE};

const ACME: &str = "/v1beta/workspaces/acme";

async fn ask(api: &Api, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let request = api.request(method, path).bearer_auth("mock-config.token");
    Api::send(match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    })
    .await
}

async fn get(api: &Api, path: &str) -> Reply {
    ask(api, Method::GET, path, None).await
}

fn order(kind: &str, users: &[&str]) -> Value {
    json!({"regulation_type": kind, "attributes": {"name": "userId", "values": users}})
}

async fn post(api: &Api, body: &Value) -> Reply {
    ask(api, Method::POST, &format!("{ACME}/regulations"), Some(body)).await
}

async fn create(api: &Api, kind: &str, users: &[&str]) -> String {
    let reply = post(api, &order(kind, users)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["regulate_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn only_its_own_token_opens_it() {
    let api = Api::plain();
    let request = || api.request(Method::GET, ACME);
    for request in
        [request(), request().bearer_auth("mock-public-token"), request().basic_auth("mock-config.token", Some(""))]
    {
        let reply = Api::send(request).await;
        assert_eq!((reply.status, reply.json()), (401, json!({"error": "unauthorized", "code": 16})));
    }
    let reply = Api::send(api.request(Method::GET, "/").bearer_auth("mock-config.token")).await;
    assert_eq!(reply.status, 401, "nor does it open the Public API");
}

#[tokio::test]
async fn workspaces_are_named_by_slug() {
    let api = Api::plain();
    let acme = json!({"name": "workspaces/acme", "display_name": "Acme", "id": "k3v9x2m1q7",
        "create_time": "2021-02-03T10:11:12.131Z"});
    for path in ["/v1beta/workspaces", "/v1beta/workspaces/"] {
        assert_eq!(get(&api, path).await.json(), json!({"workspaces": [acme], "next_page_token": ""}));
    }
    assert_eq!(get(&api, ACME).await.json(), acme);
    for path in ["/v1beta/workspaces/other", "/v1beta/workspaces/k3v9x2m1q7", "/v1beta/workspaces/acme/regulation"] {
        let reply = get(&api, path).await;
        assert_eq!((reply.status, reply.json()), (404, json!({"error": "not found", "code": 5})), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_url_is_a_503_in_plain_text() {
    let api = Api::plain();
    for path in ["/v1beta", "/v1beta/", "/v1beta/workspace/acme"] {
        let reply = get(&api, path).await;
        assert_eq!((reply.status, reply.header("content-type")), (503, Some("text/plain")), "{path}");
        assert!(reply.body.starts_with("upstream connect error"), "{path}");
    }
}

#[tokio::test]
async fn missing_permission_is_403_or_401() {
    for (permission, status) in [(Permission::DeniedWith401, 401), (Permission::DeniedWith403, 403)] {
        let api = Api::new(MockConfig::new().permission(permission));
        assert_eq!(get(&api, ACME).await.status, 200);
        assert_eq!(post(&api, &order("Delete", &["u"])).await.status, status);
        assert!(api.mock.regulations().is_empty());
    }
}

#[tokio::test]
async fn every_type_is_the_same_regulation_as_on_the_public_api() {
    let api = Api::plain();
    let types = [
        ("Suppress", "SUPPRESS_ONLY"),
        ("Unsuppress", "UNSUPPRESS"),
        ("Suppress_With_Delete", "SUPPRESS_WITH_DELETE"),
        ("Delete", "DELETE_ONLY"),
        ("Delete_Internal", "DELETE_INTERNAL"),
    ];
    for (at, (spelling, public)) in types.into_iter().enumerate() {
        let id = create(&api, spelling, &["u-1"]).await;
        let stored = &api.mock.regulations()[at];
        assert_eq!((stored.id.as_str(), stored.regulation_type.as_str()), (id.as_str(), public));
        assert_eq!(api.status(&id).await, "INITIALIZED", "one back end");
    }
    for spelling in ["SUPPRESS_ONLY", "suppress", "Delete_Archive_Only", "Suppress_With_Delete_Internal", ""] {
        let reply = post(&api, &order(spelling, &["u-1"])).await;
        assert_eq!((reply.status, reply.json()["code"].as_u64()), (400, Some(3)), "{spelling}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let api = Api::plain();
    let many: Vec<String> = (0..5_001).map(|at| format!("u-{at}")).collect();
    let with = |values: Value| json!({"regulation_type": "Delete", "attributes": {"name": "userId", "values": values}});
    let object = json!({"regulation_type": "Delete", "attributes": {"name": "objectId", "values": ["o"]}});
    for body in [
        json!([]),
        json!({}),
        with(json!([])),
        with(json!("u")),
        with(json!([7])),
        with(json!([""])),
        with(json!(many)),
        object,
    ] {
        assert_eq!(post(&api, &body).await.status, 400, "{body:.80}");
    }
    let huge = with(json!(["u".repeat(4 * 1024 * 1024)]));
    assert_eq!(post(&api, &huge).await.status, 413);
    assert!(api.mock.regulations().is_empty());
}

#[tokio::test]
async fn a_regulation_moves_and_deletes() {
    let api = Api::plain();
    let person = api.mock.generate(1, 1).remove(0);
    let braze = DestinationStatus::new("Braze", "FINISHED");
    api.mock.set_outcome(Which::Next, Outcome::finished().destination(braze));
    let id = create(&api, "Suppress_With_Delete", &[&person.user_ids[0]]).await;
    let path = format!("{ACME}/regulations/{id}");
    let report = get(&api, &path).await.json();
    assert_eq!((&report["overall_status"], &report["parent"]), (&json!("INITIALIZED"), &json!("workspaces/acme")));
    assert_eq!(report["stream_status"], json!([]));
    api.mock.advance(2 * HOUR);
    assert_eq!(get(&api, &path).await.json()["overall_status"], "RUNNING");
    api.mock.advance(3 * DAY);
    let report = get(&api, &path).await.json();
    assert_eq!(report["overall_status"], "FINISHED");
    assert!(report["finished_at"].is_string());
    let destination = &report["stream_status"][0]["destination_status"][0];
    assert_eq!((&destination["name"], &destination["err_string"]), (&json!("Braze"), &json!("")));
    assert!(!api.mock.profile_exists("email", &person.email));
    assert_eq!(get(&api, &format!("{ACME}/regulations/nothing")).await.status, 404);
}

#[tokio::test]
async fn only_what_has_not_begun_can_be_withdrawn() {
    let api = Api::plain();
    let (first, second) = (create(&api, "Suppress", &["u-1"]).await, create(&api, "Suppress", &["u-2"]).await);
    let path = |id: &str| format!("{ACME}/regulations/{id}");
    assert_eq!(ask(&api, Method::DELETE, &path(&first), None).await.json(), json!({}));
    assert_eq!(api.mock.suppressed(), ["u-2"]);
    api.mock.advance(2 * HOUR);
    assert_eq!(ask(&api, Method::DELETE, &path(&second), None).await.status, 400);
    assert_eq!(ask(&api, Method::DELETE, &path(&first), None).await.status, 404);
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let api = Api::plain();
    for at in 0..5 {
        create(&api, if at == 2 { "Delete" } else { "Suppress" }, &[&format!("u-{at}")]).await;
    }
    let first = get(&api, &format!("{ACME}/regulations?page_size=2")).await.json();
    let entry = &first["regulations"][0];
    assert_eq!(entry["attributes"], json!({"name": "userId", "values": ["u-4"]}));
    assert_eq!((&entry["regulation_type"], &entry["status"]), (&json!("Suppress"), &json!("INITIALIZED")));
    let token = first["next_page_token"].as_str().unwrap();
    let second = get(&api, &format!("{ACME}/regulations?page_size=2&page_token={token}")).await.json();
    assert_eq!(second["regulations"][0]["attributes"]["values"], json!(["u-2"]));
    let token = second["next_page_token"].as_str().unwrap();
    let last = get(&api, &format!("{ACME}/regulations?page_size=2&page_token={token}")).await.json();
    assert_eq!((last["regulations"].as_array().unwrap().len(), &last["next_page_token"]), (1, &json!("")));
    let deleted = get(&api, &format!("{ACME}/regulations?regulation_types=Delete&status=INITIALIZED")).await.json();
    assert_eq!(deleted["regulations"].as_array().unwrap().len(), 1);
    assert_eq!(get(&api, &format!("{ACME}/regulations?page_size=none")).await.status, 400);
    let suppressed = get(&api, &format!("{ACME}/suppressed-users?page_size=3")).await.json();
    assert_eq!(suppressed["attributes"][0], json!({"name": "userId", "values": ["u-4"]}));
    assert_eq!(suppressed["next_page_token"], json!("page-3"));
}

#[tokio::test]
async fn answers_can_be_spelled_the_other_way() {
    let api = Api::new(MockConfig::new().config_shape(ConfigShape::default().camel_case().ids(EntryIds::Subjects)));
    let reply = post(&api, &order("Suppress", &["u-1"])).await.json();
    let id = reply["regulateId"].as_str().unwrap();
    assert_eq!(get(&api, &format!("{ACME}/regulations/{id}")).await.json()["overallStatus"], "INITIALIZED");
    let list = get(&api, &format!("{ACME}/regulations")).await.json();
    assert_eq!((&list["regulations"][0]["subjects"], &list["nextPageToken"]), (&json!(["u-1"]), &json!("")));
    assert_eq!(list["regulations"][0]["regulationType"], "Suppress");
}

#[tokio::test]
async fn sources_are_named_by_slug() {
    let api = Api::plain();
    let path = |source: &str| format!("{ACME}/sources/{source}/regulations");
    let body = order("Suppress", &["u-1"]);
    let reply = ask(&api, Method::POST, &path("web"), Some(&body)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(ask(&api, Method::POST, &path(SOURCE), Some(&body)).await.status, 404, "an id is not a slug");
    assert!(api.mock.suppressed().is_empty(), "not for the whole workspace");
    let list = get(&api, &format!("{ACME}/regulations")).await.json();
    assert_eq!(list["regulations"], json!([]), "nor among the workspace's regulations");
}

#[tokio::test]
async fn all_calls_together_are_limited() {
    let api = Api::new(MockConfig::new().config_calls_per_minute(Some(3)));
    for _ in 0..3 {
        assert_eq!(get(&api, ACME).await.status, 200);
    }
    let reply = get(&api, ACME).await;
    assert_eq!((reply.status, reply.json()["code"].as_u64()), (429, Some(8)));
    assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() <= 61);
}

#[tokio::test]
async fn faults_take_its_shape() {
    let api = Api::plain();
    create(&api, "Suppress", &["u-1"]).await;
    let list = format!("{ACME}/regulations");
    let faulty = async |fault: Fault, path: &str| {
        api.mock.fault(FaultRule::new(fault));
        get(&api, path).await
    };
    let reply = faulty(Fault::status(403), &list).await;
    assert_eq!((reply.status, reply.json()["code"].as_u64()), (403, Some(7)));
    assert_eq!(faulty(Fault::null_data(), &list).await.json()["regulations"], Value::Null);
    assert!(faulty(Fault::missing_data(), &list).await.json().get("regulations").is_none());
    assert!(faulty(Fault::missing_cursor(), &list).await.json().get("next_page_token").is_none());
    assert_eq!(faulty(Fault::repeated_cursor(), &list).await.json()["next_page_token"], "again");
    let entry = faulty(Fault::entries_without_subjects(), &list).await.json()["regulations"][0].clone();
    assert!(entry.get("attributes").is_none() && entry["id"].is_string());
    assert_eq!(faulty(Fault::unknown_enums(), &list).await.json()["regulations"][0]["status"], "BRAND_NEW");
    let optional = faulty(Fault::missing_optional_fields(), &list).await.json();
    assert!(optional["regulations"][0].get("regulation_type").is_none());
    api.mock.fault(FaultRule::new(Fault::accept_without_id()).on(Endpoint::CreateRegulation));
    assert_eq!(post(&api, &order("Suppress", &["u-2"])).await.json(), json!({}));
    assert_eq!(api.mock.regulations().len(), 2);
}
