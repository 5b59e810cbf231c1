//! The check of a bearer token.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::extract::ConnectInfo;
use http::{HeaderMap, StatusCode, header, request::Parts};
use segment_core::{ApiToken, TokenId};

use super::{
    caller::Caller,
    failures::Failures,
    token::{self, Secret},
};
use crate::{problem::Problem, service::Service};

/// How long a token is taken for good without another look: how long one that is revoked still opens something.
const GOOD: Duration = Duration::from_secs(2);
/// How often a token's use is noted.
const NOTED: Duration = Duration::from_mins(1);
/// Tokens that are remembered at once.
const REMEMBERED: usize = 1_000;

/// Lets those in who have a token.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    behind_proxy: bool,
    failures: Failures,
    known: Mutex<HashMap<TokenId, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    token: ApiToken,
    /// When it was looked up, by the clock that never goes back.
    at: Duration,
    /// When its use was last noted.
    noted: Option<Duration>,
}

impl Guard {
    pub(crate) fn new(behind_proxy: bool) -> Self {
        Self { behind_proxy, ..Self::default() }
    }

    /// Who calls.
    pub(crate) async fn caller(&self, parts: &Parts, service: &Service) -> Result<Caller, Problem> {
        let Some(shown) = bearer(&parts.headers)? else {
            return Err(refused("no_token", "this needs a token: `Authorization: Bearer sp_…`"));
        };
        self.admitted(shown, parts, service).await
    }

    /// Who has a token.
    pub(crate) async fn admitted(&self, shown: &str, parts: &Parts, service: &Service) -> Result<Caller, Problem> {
        let (now, address) = (service.clock().monotonic(), self.address(parts));
        let read = token::read(shown);
        if let Some((id, secret)) = &read
            && let Some(known) = self.remembered(id, now)
            && secret.is_of(&known.hash)
            && known.is_valid(service.clock().now())
        {
            return Ok(self.admit(known, service));
        }
        // Who had a good token is not kept out by others at the same address.
        let was_good = read.as_ref().is_some_and(|(id, secret)| self.was_good(id, secret));
        if let Some(wait) = self.failures.must_wait(address, now).filter(|_| !was_good) {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_failures",
                format!("too many tokens of this address were refused; it has to wait for {} s", wait.as_secs() + 1),
            ));
        }
        let found = match read {
            Some((id, secret)) => {
                let token = service.desk().accounts().token(&id).await?;
                token.filter(|token| secret.is_of(&token.hash))
            }
            None => None,
        };
        match found {
            Some(token) if token.is_valid(service.clock().now()) => {
                self.remember(&token, now);
                Ok(self.admit(token, service))
            }
            Some(token) => {
                self.forget(&token.id);
                self.failures.note(address, now);
                let why = if token.revoked_at.is_some() { "was revoked" } else { "is over" };
                Err(refused("token_ended", &format!("the token {} {why}", token.name)))
            }
            None => {
                self.failures.note(address, now);
                Err(refused(
                    "token_unknown",
                    "the token is none of this service; `segment-privacy token list` shows them",
                ))
            }
        }
    }

    /// Whose failures are counted: with a proxy in front, whom it names last.
    fn address(&self, parts: &Parts) -> IpAddr {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let named = || {
            let all = parts.headers.get_all("x-forwarded-for");
            let last = all.iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim();
            // Some say the port, too.
            last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|address| address.ip()))
        };
        let named = if self.behind_proxy { named() } else { None };
        named.or(peer).unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
    }

    fn remembered(&self, id: &TokenId, now: Duration) -> Option<ApiToken> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|known| now < known.at + GOOD).map(|known| known.token.clone())
    }

    fn was_good(&self, id: &TokenId, secret: &Secret) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).is_some_and(|known| secret.is_of(&known.token.hash))
    }

    fn forget(&self, id: &TokenId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn remember(&self, token: &ApiToken, now: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, known| now < known.at + GOOD);
        }
        let noted = known.get(&token.id).and_then(|before| before.noted);
        known.insert(token.id.clone(), Known { token: token.clone(), at: now, noted });
    }

    fn admit(&self, token: ApiToken, service: &Service) -> Caller {
        if self.is_to_be_noted(&token.id, service.clock().monotonic()) {
            let (accounts, id, at) = (service.desk().accounts(), token.id.clone(), service.clock().now());
            tokio::spawn(async move {
                if let Err(error) = accounts.note_use(&id, at).await {
                    tracing::warn!("the use of a token could not be noted: {error}");
                }
            });
        }
        Caller { token: token.id, name: token.name, scopes: token.scopes }
    }

    fn is_to_be_noted(&self, id: &TokenId, now: Duration) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.get_mut(id) else { return false };
        let due = known.noted.is_none_or(|noted| now >= noted + NOTED);
        if due {
            known.noted = Some(now);
        }
        due
    }
}

/// The token, if the header has one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let value = value.to_str().ok().filter(|_| all.next().is_none());
    let (scheme, token) = value
        .and_then(|value| value.split_once(' '))
        .ok_or_else(|| refused("authorization_malformed", "the header Authorization must say `Bearer`, and a token"))?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(token.trim()))
    } else {
        Err(refused("authorization_malformed", "the header Authorization must say `Bearer`, and a token"))
    }
}

fn refused(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}
