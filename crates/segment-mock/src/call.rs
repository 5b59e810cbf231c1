//! One request as the handlers see it.

use axum::http::{HeaderMap, Request, header};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use crate::endpoint::{Endpoint, Family};

/// More than any limit of the vendor, so that the handlers can judge sizes themselves.
const READ_LIMIT: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path and query exactly as they came.
    pub(crate) target: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) family: Family,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// Reads a request to its end; `None` when the client broke off or sent more than anybody may.
    pub(crate) async fn read(request: Request<axum::body::Body>) -> Option<Self> {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let body = axum::body::to_bytes(body, READ_LIMIT).await.ok()?;
        let method = head.method.as_str().to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let segments = segments_of(path);
        let endpoint = Endpoint::of(&method, &segments);
        let family = Family::of(&segments);
        let query = Query::parse(query);
        Some(Self { method, endpoint, family, query, headers: head.headers, body, target })
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// A raw, still encoded, path segment.
    pub(crate) fn raw_segment(&self, index: usize) -> &str {
        self.path().trim_start_matches('/').split('/').nth(index).unwrap_or_default()
    }

    /// A path segment, percent-decoded once.
    pub(crate) fn segment(&self, index: usize) -> String {
        percent_decode_str(self.raw_segment(index)).decode_utf8_lossy().into_owned()
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type of the body, lower-cased and without parameters.
    pub(crate) fn content_type(&self) -> String {
        let value = self.header(header::CONTENT_TYPE).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// `/` has one empty segment; a trailing slash counts as another.
pub(crate) fn segments_of(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

/// A decoded query string that keeps order and repetition.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self { pairs: pairs.map(|(key, value)| (decode(key), decode(value))).collect() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The members of a comma list; `None` when the parameter is absent or empty.
    pub(crate) fn list(&self, key: &str) -> Option<Vec<&str>> {
        self.get(key).filter(|value| !value.is_empty()).map(|value| value.split(',').map(str::trim).collect())
    }

    /// The field of an object in any accepted spelling: `pagination.count` or `pagination[count]`.
    pub(crate) fn field(&self, object: &str, field: &str) -> Option<&str> {
        self.get(&format!("{object}.{field}")).or_else(|| self.get(&format!("{object}[{field}]")))
    }

    /// The values of an array in any accepted spelling: repeated, `a.0=`, `a[0]=` or `a[]=`.
    pub(crate) fn array(&self, name: &str) -> Vec<&str> {
        let is_member = |key: &str| key.strip_prefix(name).is_some_and(is_index);
        self.pairs.iter().filter(|(key, _)| is_member(key)).map(|(_, value)| value.as_str()).collect()
    }

    /// Forgets the cursors: a fault that invents cursors must not be asked about them.
    pub(crate) fn without_cursors(&mut self) {
        self.pairs.retain(|(key, _)| {
            !matches!(key.as_str(), "next" | "page_token" | "pagination.cursor" | "pagination[cursor]")
        });
    }
}

fn is_index(suffix: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match suffix {
        "" => true,
        _ => {
            suffix.strip_prefix('.').is_some_and(|index| !index.is_empty() && digits(index))
                || suffix.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(digits)
        }
    }
}

fn decode(part: &str) -> String {
    percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned()
}
