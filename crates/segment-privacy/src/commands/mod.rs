//! One file per command; `ask`, `desk`, `drive`, `file` and `plan` are what several share.

mod access;
mod ask;
mod check;
mod config;
mod connections;
mod demo;
mod desk;
mod dispatch;
mod drive;
mod erase;
mod evidence;
mod file;
mod holds;
mod init;
mod key;
mod man;
mod package;
mod plan;
mod purge;
mod regulations;
mod report;
mod requests;
mod serve;
mod suppress;
mod token;
mod webhook;
mod worker;

pub(crate) use dispatch::run;
