//! The API's description, and a page to try it out. Nothing is loaded from elsewhere.

use std::{
    collections::HashMap,
    io::{Cursor, Read as _},
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderValue, header};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

use crate::{api, problem::Problem, service::Service};

/// Scripts and styles of the page come from here; the page writes styles into itself, and draws with data of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What the page is made of, in the archive of Swagger UI as it was published.
const FILES: [(&str, &str); 7] = [
    ("index.html", "text/html; charset=utf-8"),
    ("index.css", "text/css"),
    ("swagger-ui.css", "text/css"),
    ("swagger-ui-bundle.js", "text/javascript"),
    ("swagger-ui-standalone-preset.js", "text/javascript"),
    ("favicon-16x16.png", "image/png"),
    ("favicon-32x32.png", "image/png"),
];
/// Begins the page: the archive's own shows another API. Nobody else is asked whether the description is valid.
const INITIALIZER: &str = r##"window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    layout: "StandaloneLayout",
    persistAuthorization: false,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    tryItOutEnabled: true,
    validatorUrl: null,
  });
};
"##;

/// `/openapi.json` and `/docs`. They say nothing but what the source code says, so they ask for no token.
pub(crate) fn routes(document: &OpenApi) -> Router<Service> {
    let text: Arc<str> = api::text(document).into();
    let json = move || {
        let text = text.to_string();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    };
    Router::new()
        .route("/openapi.json", get(json))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { page("index.html") }))
        .route("/docs/{*file}", get(|Path(name): Path<String>| async move { page(&name) }))
}

fn page(name: &str) -> Response {
    let found = if name == "swagger-initializer.js" {
        Some(("text/javascript", INITIALIZER.as_bytes()))
    } else {
        unpacked().get(name).map(|(kind, content)| (*kind, content.as_slice()))
    };
    let Some((kind, content)) = found else {
        return Problem::missing("no_such_route", "there is no such file of the documentation").into_response();
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], content).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

type File = (&'static str, Vec<u8>);

/// Unpacked by the first who looks: they are two megabytes, and most services are never looked at.
fn unpacked() -> &'static HashMap<&'static str, File> {
    static UNPACKED: OnceLock<HashMap<&'static str, File>> = OnceLock::new();
    UNPACKED.get_or_init(|| {
        let Ok(mut archive) = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)) else { return HashMap::new() };
        FILES.into_iter().filter_map(|(name, kind)| Some((name, (kind, unpack(&mut archive, name)?)))).collect()
    })
}

fn unpack(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Option<Vec<u8>> {
    // Everything is in a folder that is named after the version.
    let end = format!("/dist/{name}");
    let path = archive.file_names().flatten().find(|path| path.ends_with(&end))?.into_owned();
    let mut content = Vec::new();
    archive.by_name(&path).ok()?.read_to_end(&mut content).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_asks_for_is_there() {
        let files = unpacked();
        assert_eq!(files.len(), FILES.len());
        let page = std::str::from_utf8(&files["index.html"].1).unwrap();
        let asked: Vec<_> = page.split(['"', '\'']).filter_map(|text| text.strip_prefix("./")).collect();
        assert!(asked.len() >= 5, "{page}");
        for name in asked {
            assert!(files.contains_key(name) || name == "swagger-initializer.js", "{name}");
        }
    }
}
