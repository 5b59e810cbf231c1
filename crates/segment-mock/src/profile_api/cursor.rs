//! Pages and cursors.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::config::CursorUrl;
use crate::profile_api::{COLLECTION, Found, IDENTIFIER, SPACE, invalid};

const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One page with the key its successor starts from.
pub(super) struct Page<T> {
    pub(super) members: Vec<T>,
    pub(super) next: Option<String>,
}

impl Found<'_> {
    /// Cuts the page that starts at `next`, which is the `key` of its first member.
    pub(super) fn page<T>(&self, all: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Result<Page<T>, Answer> {
        let start = match self.call.query.get("next").filter(|next| !next.is_empty()) {
            None => 0,
            Some(next) => all
                .iter()
                .position(|member| key(member) == next)
                .ok_or_else(|| invalid("The parameter `next` is not valid."))?,
        };
        let next = all.get(start + limit).map(&key);
        Ok(Page { members: all.into_iter().skip(start).take(limit).collect(), next })
    }

    /// `cursor`, in the form the mock is switched to (U14).
    pub(super) fn cursor(&self, next: Option<&str>) -> Value {
        let config = &self.shared.config;
        let url = match (&config.cursor_url, next) {
            (CursorUrl::Relative, _) => self.relative_url(),
            (CursorUrl::Absolute, Some(next)) => self.absolute_url(&self.shared.url, next),
            (CursorUrl::AbsoluteOn(host), Some(next)) => self.absolute_url(host, next),
            (CursorUrl::Empty, _) | (_, None) => String::new(),
        };
        json!({"url": url, "has_more": next.is_some(), "next": next.unwrap_or_default()})
    }

    /// As the vendor's samples: the odd keys and `next`, but neither the limit nor any filter.
    fn absolute_url(&self, host: &str, next: &str) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, &UNRESERVED).to_string();
        let (collection, id) = (self.call.segment(COLLECTION), self.call.segment(IDENTIFIER));
        let (id, space, next) = (encoded(&id), self.call.segment(SPACE), encoded(next));
        let path = self.call.path();
        format!("{host}{path}?%3Acollection={collection}&%3Aid={id}&%3Anamespace={space}&next={next}")
    }

    /// As the vendor's samples: by Segment id and without `next`, so that following it repeats the first page.
    fn relative_url(&self) -> String {
        let (space, collection) = (self.call.segment(SPACE), self.call.segment(COLLECTION));
        let resource = self.call.segment(IDENTIFIER + 1);
        format!("/v1/spaces/{space}/collections/{collection}/profiles/{}/{resource}", self.profile.segment_id)
    }
}
