//! P5 to P7: filters, pagination in all spellings, order.

use segment_mock::{ListOrder, MockConfig, PageDefaults};
use serde_json::{Value, json};

use crate::support::{Api, DAY, HOUR, Reply, SOURCE, fields, regulation};

fn ids(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body = reply.json();
    let entries = body["data"]["regulations"].as_array().expect("regulations").iter();
    entries.map(|entry| entry["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn entries_have_the_documented_fields() {
    let api = Api::plain();
    let id = api.regulate("DELETE_ONLY", &["U-1"]).await;
    let expected = json!({
        "id": id, "subjectType": "USER_ID", "subjects": ["U-1"], "status": "INITIALIZED",
        "createdAt": "2026-08-02T08:15:30.123456Z", "regulationType": "DELETE_ONLY",
    });
    let list = api.get("/regulations?pagination.count=10").await;
    assert_eq!(list.json()["data"]["regulations"], json!([expected]));
    assert_eq!(list.header("x-ratelimit-consumed"), Some("1"));
    api.mock.advance(DAY * 3);
    let finished = &api.get("/regulations?pagination.count=10").await.json()["data"]["regulations"][0];
    assert_eq!(
        (&finished["status"], &finished["finishedAt"]),
        (&json!("FINISHED"), &json!("2026-08-05T08:15:30.123456Z"))
    );
}

#[tokio::test]
async fn pages_follow_next_in_every_spelling() {
    let api = Api::plain();
    let mut created = Vec::new();
    for user in ["a", "b", "c"] {
        created.push(api.regulate("DELETE_ONLY", &[user]).await);
    }
    created.reverse();
    let first = api.get("/regulations?pagination.count=2").await;
    assert_eq!(ids(&first), created[..2]);
    let expected = json!({"current": "MA==", "next": "Mg==", "previous": null, "totalEntries": 3});
    assert_eq!(first.json()["data"]["pagination"], expected);
    for query in [
        "pagination.count=2&pagination.cursor=Mg%3D%3D",
        "pagination[count]=2&pagination[cursor]=Mg==",
        "pagination%5Bcount%5D=2&pagination%5Bcursor%5D=Mg%3D%3D",
    ] {
        let last = api.get(&format!("/regulations?{query}")).await;
        assert_eq!(ids(&last), created[2..]);
        let expected = json!({"current": "Mg==", "next": null, "previous": "MA==", "totalEntries": 3});
        assert_eq!(last.json()["data"]["pagination"], expected);
    }
}

#[tokio::test]
async fn pagination_is_judged() {
    let api = Api::plain();
    for (query, field) in [
        ("pagination.count=0", "pagination.count"),
        ("pagination.count=1001", "pagination.count"),
        ("pagination.count=many", "pagination.count"),
        ("pagination.cursor=MA%3D%3D", "pagination.count"),
        ("pagination.count=1&pagination.cursor=nonsense", "pagination.cursor"),
        ("status=DONE", "status"),
        ("regulationTypes.0=DELETE_ONLY&regulationTypes.1=delete", "regulationTypes[1]"),
        ("regulationTypes=DELETE_ARCHIVE_ONLY", "regulationTypes[0]"),
    ] {
        assert_eq!(fields(&api.get(&format!("/regulations?{query}")).await), [field], "{query}");
    }
    // P6 knows the archive type, and a whole page of 1000 is fine since 73.2.0.
    let source = format!("/regulations/sources/{SOURCE}?regulationTypes=DELETE_ARCHIVE_ONLY&pagination.count=1000");
    assert_eq!(api.get(&source).await.status, 200);
}

#[tokio::test]
async fn pagination_may_be_demanded_as_in_2022() {
    let api = Api::new(MockConfig::new().require_pagination(true));
    for path in ["/regulations".to_owned(), "/suppressions".to_owned(), format!("/regulations/sources/{SOURCE}")] {
        assert_eq!(fields(&api.get(&path).await), ["pagination"]);
        assert_eq!(api.get(&format!("{path}?pagination.count=1")).await.status, 200);
    }
}

#[tokio::test]
async fn filters_by_status_and_types_in_every_spelling() {
    let api = Api::plain();
    let old = api.regulate("DELETE_ONLY", &["a"]).await;
    api.mock.advance(HOUR * 2);
    let suppress = api.regulate("SUPPRESS_ONLY", &["a"]).await;
    let both = api.regulate("SUPPRESS_WITH_DELETE", &["a"]).await;
    assert_eq!(ids(&api.get("/regulations?status=RUNNING").await), std::slice::from_ref(&old));
    for query in [
        "regulationTypes.0=SUPPRESS_ONLY&regulationTypes.1=DELETE_ONLY",
        "regulationTypes[0]=SUPPRESS_ONLY&regulationTypes[1]=DELETE_ONLY",
        "regulationTypes%5B0%5D=SUPPRESS_ONLY&regulationTypes%5B1%5D=DELETE_ONLY",
        "regulationTypes=SUPPRESS_ONLY&regulationTypes=DELETE_ONLY",
        "regulationTypes[]=SUPPRESS_ONLY&regulationTypes%5B%5D=DELETE_ONLY",
    ] {
        assert_eq!(ids(&api.get(&format!("/regulations?{query}")).await), [suppress.clone(), old.clone()], "{query}");
    }
    let one = api.get("/regulations?status=INITIALIZED&regulationTypes=SUPPRESS_WITH_DELETE").await;
    assert_eq!(ids(&one), [both]);
}

#[tokio::test]
async fn order_and_default_page_size_are_switches() {
    let pages = PageDefaults::default().regulations(2);
    let api = Api::new(MockConfig::new().order(ListOrder::OldestFirst).pages(pages));
    let mut created = Vec::new();
    for user in ["a", "b", "c"] {
        created.push(api.regulate("SUPPRESS_ONLY", &[user]).await);
    }
    assert_eq!(ids(&api.get("/regulations").await), created[..2]);
    let suppressed = api.get("/suppressions").await.json();
    assert_eq!(suppressed["data"]["suppressed"][0]["subjectIds"], json!(["a"]));
}

#[tokio::test]
async fn scopes_are_listed_apart() {
    let api = Api::plain();
    let workspace = api.regulate("SUPPRESS_ONLY", &["a"]).await;
    let path = format!("/regulations/sources/{SOURCE}");
    let of_source = api.post(&path, &regulation("SUPPRESS_ONLY", &["b"])).await.json();
    assert_eq!(ids(&api.get("/regulations").await), [workspace]);
    let list = api.get(&path).await;
    assert_eq!(json!(ids(&list)), json!([of_source["data"]["regulateId"]]));
    assert!(list.json()["data"].get("pagination").is_none());
    let api = Api::new(MockConfig::new().paginate_source_lists(true));
    assert_eq!(api.get(&path).await.json()["data"]["pagination"]["current"], "MA==");
}

#[tokio::test]
async fn suppressions_list_both_suppressing_types_until_unsuppressed() {
    let api = Api::plain();
    for (kind, user) in [
        ("SUPPRESS_ONLY", "a"),
        ("SUPPRESS_WITH_DELETE", "B"),
        ("SUPPRESS_WITH_DELETE_INTERNAL", "c"),
        ("DELETE_ONLY", "d"),
    ] {
        api.regulate(kind, &[user]).await;
    }
    assert_eq!(api.mock.suppressed(), ["a", "B", "c"]);
    let list = api.get("/suppressions?pagination.count=2").await.json();
    let entry = |user: &str| json!({"subjectType": "userId", "subjectIds": [user]});
    assert_eq!(list["data"]["suppressed"], json!([entry("c"), entry("B")]));
    // Absent, not null: as the samples print it.
    assert_eq!(list["data"]["pagination"], json!({"current": "MA==", "next": "Mg=="}));
    let second: Value = api.get("/suppressions?pagination.count=2&pagination.cursor=Mg==").await.json();
    assert_eq!(second["data"]["pagination"], json!({"current": "Mg==", "previous": "MA=="}));
    api.regulate("UNSUPPRESS", &["B", "x"]).await;
    assert_eq!(api.mock.suppressed(), ["a", "c"]);
}
