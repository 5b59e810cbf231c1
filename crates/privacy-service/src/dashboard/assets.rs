//! The stylesheet and the script.

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;

use crate::service::Service;

const STYLE: &str = include_str!("../../assets/style.css");
const LIVE: &str = include_str!("../../assets/live.js");

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/dashboard/style.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/dashboard/live.js", get(|| async { file("text/javascript; charset=utf-8", LIVE) }))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    // The next version has another one under the same name.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=300")], text).into_response()
}
