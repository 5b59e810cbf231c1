//! What stands in the files.

use segment_core::{NewPackage, ports::PackageSink};
use serde_json::{Value, json};

use crate::support::{one, package, records, world};

#[tokio::test]
async fn metadata_is_the_object_or_an_array_of_several() {
    let (a, b) = (json!({"segment_id": "use_1", "x": 1}), json!({"segment_id": "use_2", "x": 2}));
    assert_eq!(one("s", "metadata", [a.clone()]).await.json("s/metadata.json"), a);
    assert_eq!(one("s", "metadata", [a.clone(), b.clone()]).await.json("s/metadata.json"), json!([a, b]));
    assert_eq!(one("s", "metadata", []).await.json("s/metadata.json"), json!({}));
}

#[tokio::test]
async fn traits_of_one_profile_are_one_object() {
    let zip =
        one("s", "traits", [json!({"name": "plan", "value": "gold"}), json!({"name": "n", "value": [1, null]})]).await;
    assert_eq!(zip.json("s/traits.json"), json!({"plan": "gold", "n": [1, null]}));
    assert_eq!(zip.text("s/traits.csv"), "name,value\nplan,gold\nn,\"[1,null]\"\n");
}

#[tokio::test]
async fn traits_of_several_profiles_are_objects_by_segment_id() {
    let of = |id: &str, name: &str, value: i32| json!({"name": name, "value": value, "segment_id": id});
    let zip = one("s", "traits", [of("use_b", "x", 1), of("use_a", "x", 2), of("use_b", "y", 3)]).await;
    assert_eq!(zip.json("s/traits.json"), json!({"use_b": {"x": 1, "y": 3}, "use_a": {"x": 2}}));
    assert_eq!(zip.rows("s/traits.csv")[1], ["x", "1", "use_b"]);
}

#[tokio::test]
async fn no_trait_is_lost_when_a_name_repeats() {
    let twice = [json!({"name": "x", "value": 1}), json!({"name": "x", "value": 2})];
    assert_eq!(one("s", "traits", twice.clone()).await.json("s/traits.json"), json!(twice));
}

#[tokio::test]
async fn events_are_lines_and_rows_with_the_useful_columns_first() {
    let event = json!({"type": "track", "event": "Order\nDone", "timestamp": "2026-01-01T00:00:00Z", "message_id": "m",
        "source_id": "src", "properties": {"price": 9.99}, "context": {"ip": "1.2.3.4"}, "external_ids": [{"id": "u"}]});
    let zip = one("s", "events", [event.clone(), json!({"zzz": 1})]).await;
    let lines: Vec<Value> =
        zip.text("s/events.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [event, json!({"zzz": 1})]);
    let rows = zip.rows("s/events.csv");
    let header =
        ["timestamp", "type", "event", "message_id", "source_id", "properties", "context", "external_ids", "zzz"];
    assert_eq!(rows[0], header);
    assert_eq!(rows[1][2..6], ["Order\nDone", "m", "src", r#"{"price":9.99}"#]);
    assert_eq!(rows[2], ["", "", "", "", "", "", "", "", "1"]);
}

#[tokio::test]
async fn empty_collections_have_files_all_the_same() {
    assert_eq!(one("s", "traits", []).await.json("s/traits.json"), json!({}));
    assert_eq!(one("s", "traits", []).await.text("s/traits.csv"), "name,value\n");
    assert_eq!(one("s", "links", []).await.json("s/links.json"), json!([]));
    assert_eq!(one("s", "events", []).await.text("s/events.ndjson"), "");
    assert_eq!(one("s", "external_ids", []).await.json("s/external_ids.json"), json!([]));
    let table = one("s", "t", []).await;
    assert_eq!((table.json("s/t.json"), table.text("s/t.csv")), (json!([]), ""));
}

#[tokio::test]
async fn no_cell_and_no_header_is_a_formula() {
    let record =
        json!({"=cmd": "=1+1", "b": "+49 30", "c": "-1", "d": "@x", "e": "\t=1", "f": "\r=1", "g": -12.5, "h": "x=1"});
    let zip = one("s", "t", [record.clone()]).await;
    let rows = zip.rows("s/t.csv");
    assert_eq!(rows[0], ["'=cmd", "b", "c", "d", "e", "f", "g", "h"]);
    assert_eq!(rows[1], ["'=1+1", "'+49 30", "'-1", "'@x", "'\t=1", "'\r=1", "-12.5", "x=1"]);
    assert_eq!(zip.json("s/t.json"), json!([record]), "JSON keeps what was there");
}

#[tokio::test]
async fn beyond_two_hundred_columns_the_rest_is_one_cell() {
    let wide: serde_json::Map<_, _> = (0..250).map(|n| (format!("c{n:03}"), json!(n))).collect();
    let rows = one("s", "t", [json!({"other": "taken"}), Value::Object(wide)]).await.rows("s/t.csv");
    assert_eq!(rows[0].len(), 201);
    assert_eq!((rows[0][0].as_str(), rows[0][200].as_str()), ("other", "other_"));
    assert_eq!((rows[1][0].as_str(), rows[1][200].as_str()), ("taken", ""));
    let rest: Value = serde_json::from_str(&rows[2][200]).unwrap();
    assert_eq!((rest.as_object().unwrap().len(), &rest["c249"]), (51, &json!(249)));
}

#[tokio::test]
async fn numbers_and_text_come_through_to_the_last_digit() {
    let record = json!({"float": 0.1 + 0.2, "tiny": 5e-324, "odd": 123_456_789.123_456_79_f64, "big": u64::MAX,
        "text": "日本語 🦀 \u{0} \u{2028} \"quoted\", comma; line\nbreak \\ end"});
    let zip = one("s", "t", [record.clone()]).await;
    assert_eq!(zip.json("s/t.json"), json!([record]));
    let rows = zip.rows("s/t.csv");
    let column = |name: &str| rows[1][rows[0].iter().position(|known| known == name).unwrap()].clone();
    assert_eq!(column("text"), record["text"].as_str().unwrap());
    assert_eq!(column("float").parse::<f64>().unwrap().to_bits(), (0.1_f64 + 0.2).to_bits());
    let traits = one("s", "traits", [json!({"name": "n", "value": record["odd"]})]).await;
    assert_eq!(traits.json("s/traits.json")["n"], record["odd"]);
}

#[tokio::test]
async fn a_record_that_is_no_object_is_kept() {
    let zip = one("s", "t", [json!("=x"), json!([1]), json!({"a": 1})]).await;
    assert_eq!(zip.json("s/t.json"), json!(["=x", [1], {"a": 1}]));
    assert_eq!(zip.rows("s/t.csv"), [["value", "a"], ["'=x", ""], ["[1]", ""], ["", "1"]]);
}

/// A table of an owned database may be called like a collection of Segment's.
#[tokio::test]
async fn a_table_is_a_table_whatever_its_name() {
    let world = world();
    let new = NewPackage { tables: ["shop".to_owned()].into(), ..package("pri_1") };
    let writer = world.sink.begin(new).await.unwrap();
    let row = json!({"id": 1, "name": "plan", "value": "gold"});
    for collection in ["events", "traits", "metadata"] {
        writer.append("shop", collection, records([row.clone()])).await.unwrap();
    }
    let zip = world.open(&writer.finish().await.unwrap());
    for collection in ["events", "traits", "metadata"] {
        assert_eq!(zip.json(&format!("shop/{collection}.json")), json!([row]));
    }
}
