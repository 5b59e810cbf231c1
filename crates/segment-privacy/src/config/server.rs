//! `[server]` and `[[policies]]`.

use std::net::{SocketAddr, ToSocketAddrs as _};

use privacy_service::{Listen, RequestPolicy, TlsFiles, Webhook};
use secrecy::ExposeSecret;
use segment_core::{Action, Regime};

use super::{
    Loaded,
    model::{PolicyConfig, WebhookConfig},
    resolved::{invalid, unique},
};
use crate::error::{CliError, chain};

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

/// Who is told of changes.
pub(crate) fn webhooks(loaded: &Loaded) -> Result<Vec<Webhook>, CliError> {
    let webhook = |config: &WebhookConfig| {
        let key = &config.key;
        let url = config.url.read(&format!("url of the webhook {key}"), &loaded.base)?;
        let secret = config.secret.read(&format!("secret of the webhook {key}"), &loaded.base)?;
        // Exposed to sign with, and to be called: the receiver shows neither.
        Webhook::new(key, url.expose_secret(), secret.expose_secret(), config.allow_private)
            .map_err(|error| invalid(format!("the webhook {key}: {}", chain(&error))))
    };
    loaded.file.webhooks.iter().map(webhook).collect()
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
