//! One connection: its fields, and what can be changed.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Redirect,
};
use maud::{Markup, html};
use segment_core::Scope;
use serde::Deserialize;

use super::{
    connections,
    form::Sent,
    layout::{self, Place},
    page::{Failure, Page},
    session::Visitor,
};
use crate::{
    ConnectionChange,
    api::Parameters,
    private::Private,
    problem::Problem,
    service::Service,
    shapes::{ConnectionShape, FieldShape},
};

const KINDS: [(&str, &str); 2] =
    [("segment_unify", "Segment Unify: access and erasure"), ("segment", "Segment: erasure, with an owned database")];

/// A form for a new one.
pub(super) async fn blank(
    State(service): State<Service>,
    visitor: Visitor,
    mut query: Parameters,
) -> Result<Page, Failure> {
    visitor.caller.has(Scope::Admin)?;
    let kind = query.one::<String>("kind", "a kind")?.unwrap_or_else(|| KINDS[0].0.to_owned());
    let fields = service.desk().connection_fields(&kind);
    let fields = fields.ok_or_else(|| Problem::invalid("unknown_kind", "the kind must be segment or segment_unify"))?;
    let body = html! {
        h1 { "New connection" }
        p { @for (name, about) in KINDS {
            @if name == kind { strong { (about) } } @else { a href=(format!("/dashboard/connections/new?kind={name}")) { (about) } }
            " "
        } }
        form.stack method="post" action="/dashboard/connections/new" autocomplete="off" {
            (visitor.csrf())
            input type="hidden" name="kind" value=(kind);
            label { "Key, such as segment_prod " strong { "(required)" } input name="key" required pattern="[A-Za-z0-9_\\-]+"; }
            @for field in &fields { (input(field, false)) }
            div.actions { button.primary { "Add it" } a.button href="/dashboard/connections" { "Back" } }
        }
    };
    Ok(Page(layout::full("New connection", Place::Connections, &visitor, None, &body)))
}

/// One that is there.
pub(super) async fn page(
    State(service): State<Service>,
    visitor: Visitor,
    path: Result<Path<String>, PathRejection>,
) -> Result<Page, Failure> {
    let Path(key) = path.map_err(Problem::from)?;
    let one = service.desk().connection(&key).await?;
    let one = one.ok_or_else(|| Problem::missing("no_connection", "there is no connection of this key"))?;
    let body = html! {
        h1 { (one.key) }
        (connections::card(&visitor, &one))
        @if one.from == "file" {
            p.notice { "It is in the configuration file, which wins: change it there." }
            (facts(&one))
        } @else if visitor.may(Scope::Admin) {
            (forms(&visitor, &one))
        } @else {
            (facts(&one))
        }
    };
    Ok(Page(layout::full(&one.key, Place::Connections, &visitor, None, &body)))
}

fn facts(one: &ConnectionShape) -> Markup {
    html! {
        dl.facts { @for field in &one.fields { div { dt { (field.name) } dd { (field.value.as_deref().or(field.default.as_deref()).unwrap_or("–")) } } } }
    }
}

fn forms(visitor: &Visitor, one: &ConnectionShape) -> Markup {
    let to = |what: &str| format!("/dashboard/connections/{}/{what}", one.key);
    html! {
        h2 { "Change it" }
        form.stack method="post" action=(to("edit")) autocomplete="off" {
            (visitor.csrf())
            @for field in &one.fields { (input(field, true)) }
            div.actions { button.primary { "Change it" } }
        }
        h2 { "Take it out" }
        form.stack method="post" action=(to(if one.enabled { "disable" } else { "enable" })) {
            (visitor.csrf())
            p.hint { "Disabled, it takes no new work; what Segment has accepted is followed." }
            div.actions { button.quiet { (if one.enabled { "Disable it" } else { "Enable it" }) } }
        }
        form.stack method="post" action=(to("remove")) {
            (visitor.csrf())
            div.actions { button.danger data-confirm="Remove the connection and its secrets?" { "Remove it" } }
        }
    }
}

/// A field with its mark and its default. A secret never comes back.
fn input(field: &FieldShape, is_kept: bool) -> Markup {
    let placeholder = field.default.as_ref().map(|default| format!("default: {default}"));
    let required = field.required && !(field.secret && is_kept);
    html! {
        label {
            (field.name) @if field.required { " " strong { "(required)" } }
            @if field.secret {
                input name=(field.name) type="password" autocomplete="new-password" required[required];
            } @else {
                input name=(field.name) value=(field.value.as_deref().unwrap_or_default()) placeholder=[placeholder] required[required];
            }
        }
        @if field.secret && is_kept { p.hint { "Kept: " (field.value.as_deref().unwrap_or("none")) ". Leave it empty to keep it." } }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Added {
    key: String,
    kind: String,
    #[serde(flatten)]
    typed: Typed,
}

/// Fields by name, of which some are secrets.
type Typed = Private<BTreeMap<String, String>>;

/// Adds one.
pub(super) async fn add(State(service): State<Service>, Sent(visitor, form): Sent<Added>) -> Result<Redirect, Failure> {
    let to = format!("/dashboard/connections/{}", form.key);
    let change = ConnectionChange::Add { key: form.key, kind: form.kind, typed: form.typed.0 };
    changed(&service, &visitor, change, to).await
}

/// Changes one: its fields, whether it is enabled, or that it is there.
pub(super) async fn change(
    State(service): State<Service>,
    path: Result<Path<(String, String)>, PathRejection>,
    Sent(visitor, Private(typed)): Sent<Typed>,
) -> Result<Redirect, Failure> {
    let Path((key, what)) = path.map_err(Problem::from)?;
    let to = format!("/dashboard/connections/{key}");
    match what.as_str() {
        "edit" => changed(&service, &visitor, ConnectionChange::Edit { key, typed }, to).await,
        "enable" => changed(&service, &visitor, ConnectionChange::Enable { key, enabled: true }, to).await,
        "disable" => changed(&service, &visitor, ConnectionChange::Enable { key, enabled: false }, to).await,
        "remove" => {
            changed(&service, &visitor, ConnectionChange::Remove { key }, "/dashboard/connections".to_owned()).await
        }
        "test" => connections::test(&service, &visitor, &key).await,
        _ => Err(Problem::missing("no_such_route", "there is no such change of a connection").into()),
    }
}

async fn changed(
    service: &Service,
    visitor: &Visitor,
    change: ConnectionChange,
    to: String,
) -> Result<Redirect, Failure> {
    visitor.caller.has(Scope::Admin)?;
    service.desk().change_connection(change, &visitor.caller.name).await?;
    Ok(Redirect::to(&to))
}
