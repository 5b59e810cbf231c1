//! Retries around attempts.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{header::HeaderValue, redirect};
use secrecy::{ExposeSecret, SecretString};
use segment_core::{
    ErrorKind, Retry, SegmentError, Service,
    ports::{Clock, Pacer, Random},
};
use tracing::{Instrument, Span, field::Empty};

use super::{
    attempt::Wire,
    classify::ReadProblem,
    counted,
    request::{ApiRequest, ApiResponse},
    retry::Retries,
};
use crate::Endpoint;

/// How a call proves who makes it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Credential {
    /// `Authorization: Bearer …`: the Public API.
    Bearer(SecretString),
    /// HTTP Basic with the token as user and an empty password: the Profile API.
    BasicUser(SecretString),
}

impl Credential {
    fn header(&self) -> Result<HeaderValue, ErrorKind> {
        // The one place where the secret is read: the header goes to the configured host only and is marked sensitive.
        let text = match self {
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Self::BasicUser(token) => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{}:", token.expose_secret())))
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| ErrorKind::Misuse)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// What a transport takes from outside.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Time, also of the pauses between attempts.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub random: Arc<dyn Random>,
    /// Asked before every attempt.
    pub pacer: Arc<dyn Pacer>,
}

/// How hard a call is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Everything that is safe for a call that may be made twice.
    Idempotent,
    /// Only what never left is sent again, and nothing is after this time: for a call that must not be made twice.
    Once {
        /// From now to the end, waiting included.
        within: Duration,
    },
}

/// What became of a call: the answer, or the error and whether it may have been carried out.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "these three are all there is to know")]
pub enum Sent {
    /// A success, with its body.
    Answered(ApiResponse),
    /// It was refused or did not leave: nothing was done.
    NothingDone(SegmentError),
    /// It may have been carried out.
    Unknown(SegmentError),
}

/// One of Segment's services: an endpoint, a credential, and how calls are made.
#[derive(Debug, Clone)]
pub struct Transport {
    client: reqwest::Client,
    endpoint: Endpoint,
    authorization: HeaderValue,
    service: Service,
    read_problem: ReadProblem,
    environment: Environment,
    retries: Retries,
    attempt_limit: Duration,
}

impl Transport {
    /// A transport. The HTTP client's own retries, redirects and ambient proxies are off.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the credential cannot stand in a header, or the TLS set-up fails.
    pub fn new(
        service: Service,
        endpoint: Endpoint,
        credential: &Credential,
        read_problem: ReadProblem,
        environment: Environment,
    ) -> Result<Self, SegmentError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("segment-privacy/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .pool_idle_timeout(Duration::from_secs(20))
            .build()
            .map_err(|error| SegmentError::new(service, ErrorKind::Misuse).with_source(error.without_url()))?;
        let authorization = credential.header().map_err(|kind| SegmentError::new(service, kind))?;
        Ok(Self {
            client,
            endpoint,
            authorization,
            service,
            read_problem,
            environment,
            retries: Retries::default(),
            attempt_limit: Duration::from_secs(30),
        })
    }

    /// Other bounds of retries.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Another time limit of one attempt, 30 s by default.
    #[must_use]
    pub fn with_attempt_limit(mut self, limit: Duration) -> Self {
        self.attempt_limit = limit;
        self
    }

    /// Which service.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// Where it goes.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Makes a call that may be made twice, and gives its body to `parse`. A body that cannot be read is asked for
    /// again like a lost answer.
    pub async fn read<T>(
        &self,
        call: &ApiRequest,
        parse: impl Fn(&[u8]) -> Option<T> + Send + Sync,
    ) -> Result<T, SegmentError>
    where
        T: Send,
    {
        let unreadable = |answer: &ApiResponse| {
            SegmentError::new(self.service, ErrorKind::Unreadable)
                .with_status(answer.status)
                .with_request_id(answer.request_id.clone())
        };
        let parse = |answer: ApiResponse| parse(&answer.body).ok_or_else(|| unreadable(&answer));
        self.attempts(call, Effort::Idempotent, parse).await
    }

    /// Makes a call that must not be made twice.
    pub async fn once(&self, call: &ApiRequest, within: Duration) -> Sent {
        match self.attempts(call, Effort::Once { within }, Ok).await {
            Ok(answer) => Sent::Answered(answer),
            Err(error) if nothing_done(&error) => Sent::NothingDone(error),
            Err(error) => Sent::Unknown(error),
        }
    }

    async fn attempts<T: Send>(
        &self,
        call: &ApiRequest,
        effort: Effort,
        accept: impl Fn(ApiResponse) -> Result<T, SegmentError> + Send + Sync,
    ) -> Result<T, SegmentError> {
        let clock = &self.environment.clock;
        let start = clock.monotonic();
        let within = match effort {
            Effort::Idempotent => self.retries.within,
            Effort::Once { within } => within,
        };
        let mut done = 0;
        loop {
            let outcome = self
                .attempt(call, effort, within.saturating_sub(clock.monotonic().saturating_sub(start)))
                .await
                .and_then(&accept);
            done += 1;
            let error = match outcome {
                Ok(value) => return Ok(value),
                Err(error) => error.with_effort(done, clock.monotonic().saturating_sub(start)),
            };
            let ((Retry::After(asked), _) | (Retry::IfIdempotent(asked), Effort::Idempotent)) = (error.retry(), effort)
            else {
                return Err(error);
            };
            let pause = self.retries.pause(done, asked, self.random());
            let too_late = clock.monotonic().saturating_sub(start).saturating_add(pause) >= within;
            if done >= self.retries.attempts || too_late || error.kind() == ErrorKind::QuotaExhausted {
                return Err(error);
            }
            tracing::debug!(service = %self.service, endpoint = call.endpoint, code = error.kind().code(), attempt = done,
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), "trying again");
            clock.sleep(pause).await;
        }
    }

    async fn attempt(&self, call: &ApiRequest, effort: Effort, left: Duration) -> Result<ApiResponse, SegmentError> {
        let span = tracing::debug_span!("segment.call", service = %self.service, endpoint = call.endpoint,
            status = Empty, request_id = Empty, code = Empty);
        let outcome = self.paced(call, effort, left).instrument(span.clone()).await;
        match &outcome {
            Ok(answer) => note(&span, Some(answer.status), answer.request_id.as_deref(), None),
            Err(error) => note(&span, error.status(), None, Some(error.kind().code())),
        }
        span.in_scope(|| tracing::debug!("called"));
        outcome
    }

    async fn paced(&self, call: &ApiRequest, effort: Effort, left: Duration) -> Result<ApiResponse, SegmentError> {
        let clock = &self.environment.clock;
        let not_sent = |kind| SegmentError::new(self.service, kind);
        let url = self.endpoint.url(&call.target).map_err(|error| not_sent(ErrorKind::Misuse).with_source(error))?;
        let begun = clock.monotonic();
        let turn = self.environment.pacer.acquire(call.lane);
        match effort {
            Effort::Idempotent => turn.await,
            Effort::Once { .. } => {
                tokio::time::timeout(left, turn).await.map_err(|_| not_sent(ErrorKind::Connect))?;
            }
        }
        let waited = clock.monotonic().saturating_sub(begun);
        counted::waited(self.service, waited);
        let left = left.saturating_sub(waited);
        let limit = match effort {
            Effort::Idempotent => self.attempt_limit,
            Effort::Once { .. } if left.is_zero() => return Err(not_sent(ErrorKind::Connect)),
            Effort::Once { .. } => left.min(self.attempt_limit),
        };
        let wire = Wire {
            client: &self.client,
            url,
            authorization: &self.authorization,
            service: self.service,
            read_problem: self.read_problem,
        };
        let begun = clock.monotonic();
        let outcome = wire.send(call, limit, clock.now()).await;
        let status = outcome.as_ref().map_or_else(SegmentError::status, |answer| Some(answer.status));
        counted::called(self.service, status, clock.monotonic().saturating_sub(begun));
        outcome
    }

    fn random(&self) -> u32 {
        let mut bytes = [0; 4];
        self.environment.random.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}

fn note(span: &Span, status: Option<u16>, request_id: Option<&str>, code: Option<&str>) {
    span.record("status", status);
    span.record("request_id", request_id);
    span.record("code", code);
}

/// A refusal (4xx but 408) and what never left: nothing was created (docs/operating.md, "Lost answers").
fn nothing_done(error: &SegmentError) -> bool {
    match error.retry() {
        Retry::After(_) => true,
        Retry::Never => {
            error.kind() == ErrorKind::Misuse || error.status().is_some_and(|status| (400..500).contains(&status))
        }
        _ => false,
    }
}
