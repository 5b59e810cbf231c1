//! How things are called on the pages.

use jiff::Timestamp;
use maud::{Markup, html};

/// To the minute, in UTC.
pub(super) fn minute(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%Y-%m-%d %H:%M")) } }
}

/// A status, readable without its colour.
pub(super) fn status(name: &str) -> Markup {
    html! { span class=(format!("status status-{name}")) { (name.replace('_', " ")) } }
}

/// How long there is until the deadline; nothing once the request is over.
pub(super) fn due(due_at: Timestamp, is_over: bool, now: Timestamp) -> Markup {
    if is_over {
        return html! { span.due.muted { "–" } };
    }
    let days = due_at.duration_since(now).as_secs().div_euclid(86_400);
    let plural = |days: i64| if days == 1 { "day" } else { "days" };
    match days {
        ..0 => html! { span.due.late { (-days) " " (plural(-days)) " overdue" } },
        0 => html! { span.due.soon { "today" } },
        1..7 => html! { span.due.soon { (days) " " (plural(days)) " left" } },
        _ => html! { span.due { (days) " days left" } },
    }
}

/// Facts of the log in one line.
pub(super) fn facts(facts: &serde_json::Value) -> String {
    let one = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    };
    let all: Vec<_> = facts.as_object().into_iter().flatten().map(one).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_told_in_days() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-27T12:00:00Z");
        let said = |due_at: &str| due(at(due_at), false, now).into_string();
        assert_eq!(said("2026-12-10T12:00:00Z"), "<span class=\"due\">13 days left</span>");
        assert_eq!(said("2026-11-29T11:00:00Z"), "<span class=\"due soon\">1 day left</span>");
        assert_eq!(said("2026-11-27T13:00:00Z"), "<span class=\"due soon\">today</span>");
        assert_eq!(said("2026-11-27T11:59:00Z"), "<span class=\"due late\">1 day overdue</span>");
        assert_eq!(said("2026-11-24T12:00:00Z"), "<span class=\"due late\">3 days overdue</span>");
        assert_eq!(due(now, true, now).into_string(), "<span class=\"due muted\">–</span>");
    }

    #[test]
    fn facts_are_text() {
        assert_eq!(facts(&serde_json::json!({"by": "<b>", "of": 2})), "by: <b>, of: 2");
        assert_eq!(
            minute("2026-11-27T12:34:56Z".parse().unwrap()).into_string(),
            "<time datetime=\"2026-11-27T12:34:56Z\">2026-11-27 12:34</time>"
        );
    }
}
