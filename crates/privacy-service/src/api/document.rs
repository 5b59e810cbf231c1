//! The OpenAPI document: what every route has in common is said here once.

use utoipa::openapi::{
    Components, Content, ContentBuilder, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    path::Operation,
    schema::Schema,
    security::{Http, HttpAuthScheme, SecurityScheme},
    tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::Problem;

const DESCRIPTION: &str = "Access and erasure of people's data at Twilio Segment and in your own tables. The shapes are those of \
    Fides where it has one, with what we know besides. Errors are `application/problem+json` with a stable `code`.";
const TOKEN: &str =
    "`segment-privacy token create --name NAME --scope read` makes one; a route says which scope it needs";

/// The document as it is served, and as `docs/openapi.json` has it.
#[must_use]
pub fn openapi() -> String {
    text(&super::routes().1)
}

/// Readable, and with a line break at its end.
pub(crate) fn text(document: &OpenApi) -> String {
    document.to_pretty_json().map_or_else(|_| String::new(), |text| text + "\n")
}

/// What stands before the routes.
pub(super) fn head() -> OpenApi {
    let mut info = Info::new("segment-privacy", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    let license =
        utoipa::openapi::LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0"));
    info.license = Some(license.build());
    let mut document = OpenApi::new(info, utoipa::openapi::Paths::new());
    let tags = [
        ("requests", "Ask, and follow what becomes of it"),
        ("decisions", "What humans decide"),
        ("handing over", "What a person or an authority receives"),
        ("connections", "Workspaces at Segment, and how much may be sent there"),
        ("operations", "For whoever runs the service"),
    ];
    document.tags = Some(tags.map(|(name, what)| TagBuilder::new().name(name).description(Some(what)).build()).into());
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some(TOKEN.to_owned());
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    document.components = Some(components);
    document
}

/// Adds to each route how it refuses.
pub(super) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let about_one = path.contains('{');
        let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch];
        for operation in all.into_iter().flatten() {
            refusals(operation, about_one);
        }
    }
}

fn refusals(operation: &mut Operation, about_one: bool) {
    let mut add = |status: &str, what: &str| {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(what)));
    };
    add("504", "It takes too long, and goes on");
    add("500", "The service failed; nothing is half-done");
    add("503", "The record database or Segment cannot be reached now");
    if operation.security.is_some() {
        add("401", "There is no token, or it is not good");
        add("403", "The token lacks the scope");
        add("409", "The state of things does not allow it");
        add("429", "Too many tokens of this address were refused");
    }
    if about_one {
        add("404", "There is no such thing");
    }
    if operation.request_body.is_some() {
        add("400", "The body is not JSON, or a header is malformed");
        add("408", "The body came too slowly");
        add("413", "The body is too large");
        add("415", "The body does not say that it is JSON");
    }
    if operation.request_body.is_some() || operation.parameters.is_some() {
        add("422", "Something in it cannot be");
    }
}

fn problem(what: &str) -> Response {
    let schema: RefOr<Schema> = Ref::from_schema_name(Problem::name()).into();
    let content: Content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(what).content("application/problem+json", content).build()
}
