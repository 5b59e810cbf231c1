//! Where calls go: checked once, so that a credential cannot leave for a host that nobody meant.

use std::fmt;

use reqwest::Url;
use thiserror::Error;

/// Hosts that belong to Segment (docs/segment-api.md, 5, documented).
const SEGMENT_DOMAINS: &[&str] = &["segmentapis.com", "segment.com", "segment.io"];

/// The scheme and host of one of Segment's services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
}

impl Endpoint {
    /// The Config API: the older API, for tokens of before 2024-02.
    pub const CONFIG: &'static str = "platform.segmentapis.com";
    /// The Public API, US.
    pub const PUBLIC_US: &'static str = "api.segmentapis.com";
    /// The Public API in the EU.
    pub const PUBLIC_EU: &'static str = "eu1.api.segmentapis.com";
    /// The Profile API in the US.
    pub const PROFILES_US: &'static str = "profiles.segment.com";
    /// The Profile API in the EU.
    pub const PROFILES_EU: &'static str = "profiles.euw1.segment.com";

    /// Reads a domain such as `api.segmentapis.com`. A URL is taken too: `https`, or `http` to this machine.
    ///
    /// # Errors
    ///
    /// A domain that is not Segment's (unless `allow_custom` is set), plain http to anywhere but loopback, or anything but
    /// a bare host.
    pub fn parse(domain: &str, allow_custom: bool) -> Result<Self, EndpointError> {
        let domain = domain.trim().trim_end_matches('/');
        // Somebody may have put a credential into it: those parts are not repeated.
        let shown = if domain.contains(['@', '?', '#']) { "…" } else { domain };
        let malformed = || EndpointError::Malformed { domain: shown.to_owned() };
        let text = if domain.contains("://") { domain.to_owned() } else { format!("https://{domain}") };
        let base = Url::parse(&text).map_err(|_| malformed())?;
        let host = base.host_str().ok_or_else(malformed)?.to_ascii_lowercase();
        let only_host = base.path() == "/" && base.query().is_none() && base.fragment().is_none();
        if !only_host || !base.username().is_empty() || base.password().is_some() {
            return Err(malformed());
        }
        let loopback = is_loopback(&host);
        match base.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(EndpointError::PlainHttp { host }),
            _ => return Err(malformed()),
        }
        if loopback || allow_custom || is_segments(&host) {
            Ok(Self { base })
        } else {
            Err(EndpointError::NotSegment { host })
        }
    }

    /// The host, with the port where it is not the scheme's own.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.base.host_str().is_some_and(is_loopback)
    }

    /// A URL below this endpoint. `path_and_query` begins with `/` and is encoded already.
    pub(crate) fn url(&self, path_and_query: &str) -> Result<Url, EndpointError> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path_and_query}")).ok();
        // Parsing resolves `..`: what does not come back as it was sent would have reached another resource. So would an
        // empty id, which leaves an empty segment.
        url.filter(|url| url.origin() == self.base.origin() && same_target(url, path_and_query) && !has_gap(url))
            .ok_or(EndpointError::Unroutable)
    }
}

fn same_target(url: &Url, path_and_query: &str) -> bool {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path()) == path_and_query
}

fn has_gap(url: &Url) -> bool {
    url.path() != "/" && (url.path().ends_with('/') || url.path().contains("//"))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_segments(host: &str) -> bool {
    let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    SEGMENT_DOMAINS.iter().any(|domain| below(domain))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

/// Why a domain is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a host.
    #[error("\"{domain}\" is not a domain such as api.segmentapis.com")]
    Malformed {
        /// as given, unless it may hold a credential
        domain: String,
    },
    /// Unencrypted.
    #[error("plain http to {host} would send the credential unencrypted; it is for this machine only")]
    PlainHttp {
        /// the host
        host: String,
    },
    /// Somebody else's.
    #[error("{host} is not a domain of Segment; set allow_custom_domain = true if it is meant")]
    NotSegment {
        /// the host
        host: String,
    },
    /// An id such as `..` that a URL cannot carry.
    #[error("the id cannot be part of a URL")]
    Unroutable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_own_domains_are_taken() {
        for domain in
            ["api.segmentapis.com", "eu1.api.segmentapis.com", "https://profiles.segment.com/", "http://127.0.0.1:80"]
        {
            assert!(Endpoint::parse(domain, false).is_ok(), "{domain}");
        }
        assert_eq!(Endpoint::parse("http://127.0.0.1:8123", false).unwrap().host(), "127.0.0.1:8123");
    }

    #[test]
    fn what_would_leak_a_credential_is_refused() {
        let kind = |domain: &str| Endpoint::parse(domain, false).unwrap_err();
        assert!(matches!(kind("api.segmentapis.com.evil.example"), EndpointError::NotSegment { .. }));
        assert!(matches!(kind("evilsegment.com"), EndpointError::NotSegment { .. }));
        assert!(matches!(kind("http://api.segmentapis.com"), EndpointError::PlainHttp { .. }));
        for domain in
            ["", "api.segmentapis.com/v1", "https://user@api.segmentapis.com", "ftp://api.segmentapis.com", "a b"]
        {
            assert!(matches!(kind(domain), EndpointError::Malformed { .. }), "{domain}");
        }
        assert!(Endpoint::parse("segment.acme.example", true).is_ok());
        assert!(matches!(Endpoint::parse("http://segment.acme.example", true), Err(EndpointError::PlainHttp { .. })));
    }

    #[test]
    fn ids_cannot_climb() {
        let api = Endpoint::parse("api.segmentapis.com", false).unwrap();
        assert!(api.url("/regulations/abc?x=%2E").is_ok());
        for path in [
            "/regulations/..",
            "/regulations/%2e%2e",
            "/regulations/../suppressions",
            "/a\nb",
            "/regulations/",
            "/a//b",
        ] {
            assert_eq!(api.url(path), Err(EndpointError::Unroutable), "{path}");
        }
    }
}
