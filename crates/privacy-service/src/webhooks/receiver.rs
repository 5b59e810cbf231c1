//! One receiver, and one call of it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{Client, Url, header, redirect};
use segment_core::{Attempted, Delivery};
use serde_json::json;
use thiserror::Error;

use super::{
    resolve::{PublicOnly, is_public},
    sign::SigningKey,
};

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// When it is tried again, as Standard Webhooks recommends: after the last of these it is given up.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// A receiver.
#[derive(Clone)]
pub struct Webhook {
    key: String,
    url: Url,
    signing: SigningKey,
    client: Client,
}

/// An address may hold a secret.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Why a receiver cannot be one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The address is none, or not HTTPS.
    #[error("its url is no address that begins with https://, without a user or password in it")]
    Url,
    /// The address is of this machine or of a private network.
    #[error("its url is an address of this machine or of a private network, and allow_private is not set")]
    Private,
    /// The secret is none.
    #[error("its secret is not `whsec_` and 24 to 64 bytes in base64")]
    Secret,
    /// TLS cannot be set up.
    #[error("it cannot be called")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Webhook {
    /// A receiver. Without `allow_private` only public addresses are called, by HTTPS.
    ///
    /// # Errors
    ///
    /// [`WebhookError`]
    pub fn new(key: &str, url: &str, secret: &str, allow_private: bool) -> Result<Self, WebhookError> {
        let url: Url = url.parse().map_err(|_| WebhookError::Url)?;
        let plain = allow_private && url.scheme() == "http";
        if !(url.scheme() == "https" || plain) || !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookError::Url);
        }
        // A name is looked up when it is called; what is an address already is not looked up at all.
        let host = url.host_str().ok_or(WebhookError::Url)?;
        let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        if !allow_private && address.is_some_and(|address| !is_public(address)) {
            return Err(WebhookError::Private);
        }
        let signing = SigningKey::read(secret).ok_or(WebhookError::Secret)?;
        let client = Client::builder()
            .user_agent(concat!("segment-privacy/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE);
        let client = if allow_private { client } else { client.dns_resolver(Arc::new(PublicOnly)) };
        Ok(Self {
            key: key.to_owned(),
            url,
            signing,
            client: client.build().map_err(|error| WebhookError::Client(error.into()))?,
        })
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Tells it something, at `now` by the wall clock; and what became of it, in a few words.
    pub async fn tell(&self, delivery: &Delivery, now: Timestamp) -> (Attempted, String) {
        let kind = "privacy_request.status_changed";
        let body = json!({
            "type": kind,
            "timestamp": delivery.at,
            "data": {"id": delivery.request.as_str(), "action": delivery.action.as_str(), "status": delivery.status.as_str()},
        });
        let again = |asked: Option<Duration>| match pause(delivery.attempts) {
            Some(pause) => Attempted::Again(pause.max(asked.unwrap_or_default())),
            None => Attempted::GivenUp,
        };
        match self.post(&delivery.id, now, &body.to_string()).await {
            Ok((200..300, _)) => (Attempted::Delivered, "delivered".to_owned()),
            // It says that it wants no more.
            Ok((410, _)) => (Attempted::GivenUp, "it answered 410: it wants no more".to_owned()),
            Ok((status, wait)) => (again(wait), format!("it answered {status}")),
            Err(error) => (again(None), failed(&error)),
        }
    }

    /// Tells it that this is a test; the status that it answers, or why it does not.
    ///
    /// # Errors
    ///
    /// What failed, in a sentence.
    pub async fn test(&self, id: &str, now: Timestamp) -> Result<u16, String> {
        let body = json!({"type": "webhook.test", "timestamp": now, "data": {}});
        self.post(id, now, &body.to_string()).await.map(|(status, _)| status).map_err(|error| failed(&error))
    }

    async fn post(&self, id: &str, now: Timestamp, body: &str) -> Result<(u16, Option<Duration>), reqwest::Error> {
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", self.signing.sign(id, now, body))
            .body(body.to_owned());
        let answer = request.send().await?;
        let wait = answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
        // What it says besides is nobody's business, and may be long.
        Ok((answer.status().as_u16(), wait.map(Duration::from_secs).map(|wait| wait.min(PAUSES[8]))))
    }
}

/// How long to wait after so many attempts; `None` when that was the last.
fn pause(attempts: u32) -> Option<Duration> {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    PAUSES.get(place).copied()
}

/// An address may hold a secret: it is not repeated.
fn failed(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut cause = std::error::Error::source(error);
    let mut last = None;
    while let Some(deeper) = cause {
        last = Some(deeper.to_string());
        cause = deeper.source();
    }
    format!("it cannot be reached: {}", last.unwrap_or_else(|| "the connection failed".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn receivers_are_public_and_secure_unless_it_is_said() {
        let made =
            |url: &str, private| Webhook::new("a", url, SECRET, private).map(drop).map_err(|error| error.to_string());
        assert!(made("https://hooks.example.com/x", false).is_ok());
        assert!(made("http://127.0.0.1:9/x", true).is_ok());
        for url in ["http://hooks.example.com", "ftp://x", "", "https://", "https://user:pass@hooks.example.com"] {
            assert!(made(url, false).unwrap_err().contains("https://"), "{url}");
        }
        for url in [
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://169.254.169.254/",
            "https://0x7f.1/",
            "https://2130706433/",
        ] {
            assert!(made(url, false).unwrap_err().contains("private"), "{url}");
        }
        let made = Webhook::new("a", "https://hooks.example.com/T0KEN", SECRET, false).unwrap();
        assert_eq!(format!("{made:?}"), "Webhook { key: \"a\", .. }");
        assert!(
            Webhook::new("a", "https://hooks.example.com", "short", false).unwrap_err().to_string().contains("whsec_")
        );
    }

    #[test]
    fn it_is_given_up_after_three_days() {
        assert_eq!(pause(1), Some(Duration::from_secs(5)));
        assert_eq!(pause(9), Some(Duration::from_hours(24)));
        assert_eq!(pause(10), None);
        let all: Duration = PAUSES.iter().sum();
        assert!(all > Duration::from_hours(72));
    }
}
