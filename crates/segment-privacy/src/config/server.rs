//! `[server]` and `[[policies]]`.

use std::net::{SocketAddr, ToSocketAddrs as _};

use privacy_service::{Listen, RequestPolicy, TlsFiles};
use segment_core::{Action, Regime};

use super::{
    Loaded,
    model::PolicyConfig,
    resolved::{invalid, unique},
};
use crate::error::CliError;

pub(super) fn policies(all: &[PolicyConfig]) -> Result<Vec<RequestPolicy>, CliError> {
    unique(all.iter().map(|policy| policy.key.as_str()), "policies")?;
    all.iter().map(policy).collect()
}

fn policy(config: &PolicyConfig) -> Result<RequestPolicy, CliError> {
    let key = &config.key;
    let action = match config.action.as_str() {
        "access" => Action::Access,
        "erasure" => Action::Erasure,
        other => return Err(invalid(format!("the action \"{other}\" of the policy {key} is not access or erasure"))),
    };
    let regime = config.regime.as_ref().map(|name| {
        Regime::parse(name)
            .ok_or_else(|| invalid(format!("the regime \"{name}\" of the policy {key} is not gdpr or ccpa")))
    });
    let standard = RequestPolicy::find(&[], key);
    if standard.is_some_and(|standard| standard.action != action) {
        return Err(invalid(format!("the policy {key} is one of Fides' default policies, with another action")));
    }
    Ok(RequestPolicy { key: key.clone(), action, regime: regime.transpose()? })
}

/// Where the service listens.
pub(crate) fn listen(loaded: &Loaded) -> Result<Listen, CliError> {
    let server = &loaded.file.server;
    let address: Option<SocketAddr> = server.listen.to_socket_addrs().ok().and_then(|mut all| all.next());
    let address = address.ok_or_else(|| {
        invalid(format!("server.listen \"{}\" is not an address and a port", server.listen))
            .hint("such as 127.0.0.1:8080, or [::1]:8080")
    })?;
    let tls = server
        .tls
        .as_ref()
        .map(|tls| TlsFiles { certificate: loaded.base.join(&tls.certificate), key: loaded.base.join(&tls.key.file) });
    Ok(Listen { address, tls, behind_proxy: server.behind_proxy })
}
