//! The API's description, and a page to try it out. Nothing is loaded from elsewhere.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderValue, header};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use crate::{api, problem::Problem, service::Service};

/// Scripts and styles of the page come from here; the page writes styles into itself, and draws with data of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/openapi.json` and `/docs`. They say nothing but what the source code says, so they ask for no token.
pub(crate) fn routes(document: &OpenApi) -> Router<Service> {
    let text: Arc<str> = api::text(document).into();
    let config = Arc::new(Config::from("/openapi.json").persist_authorization(false).try_it_out_enabled(true));
    let json = move || {
        let text = text.to_string();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    };
    let file = {
        let config = config.clone();
        move |Path(name): Path<String>| async move { page(&name, config) }
    };
    Router::new()
        .route("/openapi.json", get(json))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(move |State(_): State<Service>| async move { page("", config) }))
        .route("/docs/{*file}", get(file))
}

fn page(name: &str, config: Arc<Config<'static>>) -> Response {
    let found = utoipa_swagger_ui::serve(name, config);
    let Ok(Some(file)) = found else {
        return Problem::missing("no_such_route", "there is no such file of the documentation").into_response();
    };
    let mut response = ([(header::CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
