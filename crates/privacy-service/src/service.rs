//! The service: what every route shares, and the routes themselves.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn, middleware::from_fn_with_state};
use metrics_exporter_prometheus::PrometheusHandle;
use segment_core::ports::{Clock, Random};
use tokio::sync::watch;

use crate::{
    Desk, api, auth::Guard, dashboard, docs, gathering::Gathering, limits, metrics, request_id, standing::Standings,
};

/// What a service is put together from.
#[derive(Debug)]
pub struct Parts {
    /// The desk by the present configuration; another one takes its place when that changes.
    pub desk: watch::Receiver<Arc<dyn Desk>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and secrets.
    pub random: Arc<dyn Random>,
    /// What is counted, see [`metrics::install`](crate::metrics::install).
    pub metrics: PrometheusHandle,
    /// Whether the last address in `X-Forwarded-For` is the caller's.
    pub behind_proxy: bool,
    /// Whether browsers reach it by HTTPS: then their cookies go nowhere else.
    pub secure: bool,
}

/// The service. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Service(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    guard: Guard,
    standings: Standings,
    gathering: Gathering,
}

impl Service {
    /// A service.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let guard = Guard::new(parts.behind_proxy);
        Self(Arc::new(Inner { parts, guard, standings: Standings::default(), gathering: Gathering::default() }))
    }

    /// Every route, to be served with `into_make_service_with_connect_info::<SocketAddr>()`: who shows too many bad tokens is told
    /// by address, and without one all callers are the same. [`listen`](crate::listen) does so.
    pub fn router(&self) -> Router {
        let (api, document) = api::routes();
        api.merge(docs::routes(&document))
            .merge(dashboard::routes())
            .fallback(limits::no_such_route)
            .method_not_allowed_fallback(limits::no_such_method)
            .layer(DefaultBodyLimit::max(limits::BODY))
            .layer(from_fn(limits::in_time))
            .layer(from_fn(limits::plain_headers))
            .layer(from_fn(metrics::count))
            .layer(from_fn_with_state(self.clone(), request_id::name))
            .with_state(self.clone())
    }

    pub(crate) fn desk(&self) -> Arc<dyn Desk> {
        self.0.parts.desk.borrow().clone()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.parts.clock.as_ref()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        self.0.parts.random.as_ref()
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.0.parts.secure
    }

    pub(crate) fn standings(&self) -> &Standings {
        &self.0.standings
    }

    pub(crate) fn gathering(&self) -> &Gathering {
        &self.0.gathering
    }

    pub(crate) fn metrics(&self) -> &PrometheusHandle {
        &self.0.parts.metrics
    }
}
