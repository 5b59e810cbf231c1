//! What every page has around it.

use maud::{DOCTYPE, Markup, html};

use super::session::Visitor;

/// The pages of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Requests,
    New,
    Review,
    Connections,
    Quotas,
    Reports,
}

const PLACES: [(Place, &str, &str); 6] = [
    (Place::Requests, "/dashboard/", "Requests"),
    (Place::New, "/dashboard/new", "New request"),
    (Place::Review, "/dashboard/review", "Review"),
    (Place::Connections, "/dashboard/connections", "Connections"),
    (Place::Quotas, "/dashboard/quotas", "Quotas"),
    (Place::Reports, "/dashboard/reports", "Reports"),
];

/// A page of somebody who is signed in. A live one is refreshed when something has happened since `live`.
pub(super) fn full(title: &str, place: Place, visitor: &Visitor, live: Option<i64>, body: &Markup) -> Markup {
    let navigation = html! {
        nav aria-label="Main" {
            @for (this, path, name) in PLACES {
                a href=(path) aria-current=[(this == place).then_some("page")] { (name) }
            }
        }
        form.inline method="post" action="/dashboard/sign-out" {
            (visitor.csrf())
            button.quiet title=(format!("signed in as {}", visitor.caller.name)) { "Sign out" }
        }
    };
    document(title, &navigation, live, body)
}

/// A page of anybody.
pub(super) fn plain(title: &str, body: &Markup) -> Markup {
    document(title, &html! {}, None, body)
}

fn document(title: &str, navigation: &Markup, live: Option<i64>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · segment-privacy" }
                link rel="stylesheet" href="/dashboard/style.css";
                link rel="icon" href="data:,";
                script src="/dashboard/live.js" defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                header.top {
                    a.brand href="/dashboard/" { "segment-privacy" }
                    (navigation)
                }
                main id="main" tabindex="-1" data-events=[live.map(|seen| format!("/dashboard/events?seen={seen}"))] {
                    (body)
                    @if live.is_some() { p.live data-live aria-live="polite" hidden {} }
                }
            }
        }
    }
}
