//! What calls are counted as, for whoever installed a recorder of `metrics`: without one it costs nothing.

use std::time::Duration;

use metrics::{counter, histogram};
use segment_core::Service;

fn api(service: Service) -> &'static str {
    match service {
        Service::PublicApi => "public",
        Service::ConfigApi => "config",
        Service::ProfileApi => "profile",
        _ => "other",
    }
}

/// An attempt is over. Without an answer its status is `failed`.
pub(super) fn called(service: Service, status: Option<u16>, took: Duration) {
    let status = status.map_or_else(|| "failed".to_owned(), |status| status.to_string());
    counter!("segment_privacy_segment_calls_total", "api" => api(service), "status" => status).increment(1);
    histogram!("segment_privacy_segment_call_seconds", "api" => api(service)).record(took);
}

/// An attempt had its turn.
pub(super) fn waited(service: Service, wait: Duration) {
    histogram!("segment_privacy_pacing_wait_seconds", "api" => api(service)).record(wait);
}
