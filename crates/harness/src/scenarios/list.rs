use super::{
    access, answers_access, answers_erase, chaos, configuration, connections, credentials, dashboard,
    dashboard_connections, dashboard_reach, dataset, documents, erasure, files, handing_over, holds, identities,
    interruption, masking, masking_broken_off, official_sdk, owned, records, repetition, requests, retention, rows,
    service, service_access, service_input, service_outage, sources, webhooks, workers,
};
use crate::scenario::Scenario;

/// Every scenario, the main job first.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    let groups = [
        access::ALL,
        handing_over::ALL,
        service::ALL,
        service_access::ALL,
        service_input::ALL,
        service_outage::ALL,
        dashboard::ALL,
        dashboard_connections::ALL,
        dashboard_reach::ALL,
        documents::ALL,
        webhooks::ALL,
        erasure::ALL,
        owned::ALL,
        rows::ALL,
        masking::ALL,
        masking_broken_off::ALL,
        requests::ALL,
        repetition::ALL,
        files::ALL,
        configuration::ALL,
        connections::ALL,
        holds::ALL,
        credentials::ALL,
        dataset::ALL,
        identities::ALL,
        records::ALL,
        interruption::ALL,
        answers_erase::ALL,
        answers_access::ALL,
        sources::ALL,
        workers::ALL,
        chaos::ALL,
        retention::ALL,
        official_sdk::ALL,
    ];
    groups.into_iter().flatten()
}
