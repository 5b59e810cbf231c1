//! Every route of the API, and the document that describes them.

use axum::{Router, middleware::from_fn};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{connections, create, decide, document, files, list, operations, preview, read};
use crate::{limits, service::Service};

/// The routes, and their description.
pub(crate) fn routes() -> (Router<Service>, OpenApi) {
    let api = OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(preview::preview))
        .routes(routes!(read::show))
        .routes(routes!(read::log))
        .routes(routes!(files::package))
        .routes(routes!(files::evidence))
        .routes(routes!(decide::approve))
        .routes(routes!(decide::deny))
        .routes(routes!(decide::cancel))
        .routes(routes!(decide::retry))
        .routes(routes!(decide::resolve))
        .routes(routes!(decide::extend))
        .routes(routes!(connections::list))
        .routes(routes!(connections::test))
        .routes(routes!(connections::quotas))
        .layer(from_fn(limits::no_query_of_a_change));
    // At the root, where those who watch processes look; and beside the rest, where clients of the API do.
    let operations = || {
        OpenApiRouter::new()
            .routes(routes!(operations::health))
            .routes(routes!(operations::ready))
            .routes(routes!(operations::metrics_page))
    };
    let (router, mut document) =
        OpenApiRouter::with_openapi(document::head()).nest("/api/v1", api).merge(operations()).split_for_parts();
    document::complete(&mut document);
    (router.nest("/api/v1", operations().split_for_parts().0), document)
}
