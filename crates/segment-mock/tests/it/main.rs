//! What the mock promises, asked over HTTP.

mod binary;
mod clock;
mod config_api;
mod contract;
mod control;
mod faults;
mod generate;
mod profile_api;
mod profile_paths;
mod public_create;
mod public_lists;
mod regulations;
mod rewrites;
mod server;
mod support;
mod tracking;
