//! The report: what a person reads.

use serde_json::{Value, json};

use crate::support::{Package, package, records, world};

async fn zip(collections: &[(&str, &str, Vec<Value>)]) -> Package {
    let world = world();
    let mut new = package("pri_1");
    new.tables = ["shop".to_owned()].into();
    let writer = segment_core::ports::PackageSink::begin(&world.sink, new).await.unwrap();
    for (source, collection, values) in collections {
        writer.append(source, collection, records(values.clone())).await.unwrap();
    }
    writer.incomplete("segment_prod", "links", "links could not be read to the end").await.unwrap();
    writer.limit("Events older than 14 days are not in here.").await.unwrap();
    let receipt = writer.finish().await.unwrap();
    world.open(&receipt)
}

fn events(count: u64) -> Vec<Value> {
    let event = |n: u64| {
        let name = if n.is_multiple_of(2) { "Bought" } else { "Looked" };
        json!({"type": "track", "event": name, "timestamp": format!("2026-02-{:02}T10:00:00Z", n % 20 + 1),
            "properties": {"sku": format!("sku-{n}")}, "context": {"ip": "192.0.2.1"}})
    };
    (0..count).map(event).collect()
}

#[tokio::test]
async fn the_overview_says_who_asked_what_there_is_and_what_is_not() {
    let traits = vec![
        json!({"name": "plan", "value": "gold"}),
        json!({"name": "big_spender", "value": true, "class": "audience"}),
        json!({"name": "orders_30d", "value": 7, "class": "computed_trait"}),
    ];
    let zip = zip(&[
        ("segment_prod", "traits", traits),
        ("segment_prod", "external_ids", vec![json!({"type": "email", "id": "ann@example.com"})]),
        ("segment_prod", "events", events(3)),
        ("segment_prod", "links", vec![]),
        ("shop", "events", vec![json!({"id": 7, "name": "Fair"})]),
    ])
    .await;
    let index = zip.text("index.html");
    for expected in [
        "<strong>ann@example.com</strong>",
        "27 February 2026, 09:00 UTC",
        "3 facts",
        "1 identifier",
        "3 events",
        "Audience: a group that you were put into",
        "Calculated from what you did",
        "Given or observed",
        "Records in events",
        "From our own database shop.",
        "From our customer data platform (Twilio Segment), connection segment_prod.",
        "Events older than 14 days are not in here.",
        "What you are linked to is not complete.",
        "links could not be read to the end",
    ] {
        assert!(index.contains(expected), "{expected}: {index}");
    }
    assert!(zip.paths().contains(&"segment_prod/events-0001.html") && !index.contains("Nothing is missing"));
}

#[tokio::test]
async fn long_collections_are_split_and_every_record_is_on_a_page() {
    let rows = (0..1_000).map(|n| json!({"id": n})).collect();
    let zip = zip(&[("segment_prod", "events", events(1_201)), ("shop", "orders", rows)]).await;
    let count = |path: &str, what: &str| zip.text(path).matches(what).count();
    let of = |n: u32| count(&format!("segment_prod/events-000{n}.html"), "<tr data-event=");
    assert_eq!([of(1), of(2), of(3)], [500, 500, 201]);
    assert_eq!([count("shop/orders-0001.html", "<tr>"), count("shop/orders-0002.html", "<tr>")], [501, 501]);
    assert!(!zip.paths().contains(&"segment_prod/events-0004.html"));
    let second = zip.text("segment_prod/events-0002.html");
    for link in ["../index.html", "events-0001.html", "events-0003.html"] {
        assert!(second.contains(&format!("href=\"{link}\"")), "{link}");
    }
    let last = zip.text("segment_prod/events-0003.html");
    assert!(!last.contains("rel=\"next\"") && last.contains("<option value=\"Bought\">"));
    let index = zip.text("index.html");
    for expected in
        ["1,201 events", "href=\"segment_prod/events-0003.html\"", "<td class=\"number\">601</td>", "<rect "]
    {
        assert!(index.contains(expected), "{expected}");
    }
    let manifest = zip.json("manifest.json");
    let pages =
        manifest["files"].as_array().unwrap().iter().filter(|f| f["path"].as_str().unwrap().contains("events-0"));
    assert_eq!(pages.map(|page| page["records"].as_u64().unwrap()).sum::<u64>(), 1_201);
}

#[tokio::test]
async fn ten_thousand_traits_with_any_names_and_one_of_five_megabytes_are_all_there() {
    let odd = ["../../etc/passwd", "manifest.json", "a.b/c\\d", "nul\u{0}\u{1b}[31m", "=cmd()", "", "\u{202e}evil"];
    let mut traits: Vec<_> = odd.iter().map(|name| json!({"name": name, "value": name})).collect();
    traits.push(json!({"name": "long", "value": "x".repeat(5_000_000)}));
    traits.extend((traits.len()..10_000).map(|n| json!({"name": format!("trait_{n}"), "value": n})));
    let zip = zip(&[("segment_prod", "traits", traits)]).await;
    let members = zip.json("segment_prod/traits.json");
    assert_eq!(members.as_object().unwrap().len(), 10_000);
    assert_eq!(members["long"].as_str().unwrap().len(), 5_000_000);
    assert!(odd.iter().all(|name| members[*name] == json!(name)));
    let rows = zip.rows("segment_prod/traits.csv");
    assert_eq!((rows.len(), rows[5][0].as_str()), (10_001, "'=cmd()"));
    let pages: Vec<_> = zip.0.iter().filter(|(path, _)| path.starts_with("segment_prod/traits-0")).collect();
    let shown: usize =
        pages.iter().map(|(_, html)| String::from_utf8_lossy(html).matches("<th scope=\"row\">").count()).sum();
    assert_eq!(shown, 10_000);
    assert!(pages.iter().all(|(_, html)| html.len() < 1_200_000 && !html.contains(&0)));
    let paths = zip.paths();
    assert!(
        paths.iter().all(|path| path.starts_with("segment_prod/") || ["index.html", "manifest.json"].contains(path))
    );
}

#[tokio::test]
async fn a_page_ends_before_it_grows_too_large() {
    let long = "x".repeat(1_900);
    let wide: Vec<_> =
        (0..400).map(|n| json!({"type": "track", "event": n, "properties": {"a": long, "b": long}})).collect();
    let zip = zip(&[("segment_prod", "events", wide)]).await;
    let pages: Vec<_> = zip.0.iter().filter(|(path, _)| path.contains("events-0")).collect();
    assert!(pages.len() > 1 && pages.iter().all(|(_, html)| html.len() < 1_200_000));
}

#[tokio::test]
async fn nothing_of_a_person_becomes_markup_or_is_loaded() {
    let evil = "</script><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>";
    let event = json!({"type": "track", "event": evil, "timestamp": evil, "properties": {evil: evil}, "context": {evil: [evil]}});
    let zip = zip(&[
        (
            "segment_prod",
            "traits",
            vec![json!({"name": evil, "value": evil}), json!({"name": "o", "value": {evil: evil}})],
        ),
        ("segment_prod", "external_ids", vec![json!({"type": evil, "id": evil, "created_at": evil})]),
        ("segment_prod", "events", vec![event.clone(), event]),
        ("segment_prod", "links", vec![json!({evil: evil})]),
        ("shop", "customer", vec![json!({evil: evil})]),
    ])
    .await;
    let mut pages = 0;
    for (path, content) in zip.0.iter().filter(|(path, _)| path.rsplit('.').next() == Some("html")) {
        let html = std::str::from_utf8(content).unwrap();
        assert_eq!(html.matches("<script").count(), 1, "{path}: ours");
        assert!(!html.contains("<img") && !html.contains("=\"http"), "{path}");
        let policy = html.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{path}");
        pages += 1;
    }
    assert_eq!(pages, 2);
}

#[tokio::test]
async fn a_package_may_go_without_it() {
    let world = world();
    let sink = world.sink.clone().with_report(false);
    let writer = segment_core::ports::PackageSink::begin(&sink, package("pri_1")).await.unwrap();
    let receipt = writer.finish().await.unwrap();
    assert_eq!(world.open(&receipt).paths(), ["manifest.json"]);
}
