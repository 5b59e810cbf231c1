//! One file per group.

mod access;
mod answers_access;
mod answers_erase;
mod chaos;
mod configuration;
mod connections;
mod credentials;
mod dashboard;
mod dashboard_connections;
mod dashboard_reach;
mod dataset;
mod documents;
mod erasure;
mod files;
mod handing_over;
mod holds;
mod identities;
mod interruption;
mod list;
mod masking;
mod masking_broken_off;
mod official_sdk;
mod owned;
mod records;
mod repetition;
mod requests;
mod retention;
mod rows;
mod service;
mod service_access;
mod service_input;
mod service_outage;
mod sources;
mod webhooks;
mod workers;

pub(crate) use list::all;
