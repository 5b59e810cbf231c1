//! The dashboard: pages for people, made on the server. Scripts only refresh what a page shows; everything works without them.

mod actions;
mod ask;
mod assets;
mod connection;
mod connections;
mod form;
mod layout;
mod live;
mod page;
mod quotas;
mod reports;
mod requests;
mod review;
mod routes;
mod session;
mod show;
mod words;

pub(crate) use routes::routes;
