//! Every text of the report, in one place: another language is another one of these.

/// The texts of a language. `{}` stands for what is filled in.
pub(super) struct Texts {
    /// As HTML names the language.
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) skip: &'static str,
    pub(super) intro: &'static str,
    pub(super) asked_by: &'static str,
    pub(super) asked_at: &'static str,
    pub(super) made_at: &'static str,
    pub(super) request: &'static str,
    pub(super) contents: &'static str,
    pub(super) what_we_hold: &'static str,
    pub(super) nothing: &'static str,
    pub(super) where_from_segment: &'static str,
    pub(super) where_from_table: &'static str,
    pub(super) metadata: Collection,
    pub(super) traits: Collection,
    pub(super) external_ids: Collection,
    pub(super) events: Collection,
    pub(super) links: Collection,
    pub(super) rows: Collection,
    pub(super) audience: &'static str,
    pub(super) computed: &'static str,
    pub(super) custom: &'static str,
    pub(super) kind_of_trait: &'static str,
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    pub(super) profile: &'static str,
    pub(super) time: &'static str,
    pub(super) event: &'static str,
    pub(super) details: &'static str,
    pub(super) everything_else: &'static str,
    pub(super) by_day: &'static str,
    pub(super) day: &'static str,
    pub(super) count: &'static str,
    pub(super) by_name: &'static str,
    pub(super) others: &'static str,
    pub(super) only: &'static str,
    pub(super) all_events: &'static str,
    pub(super) page: &'static str,
    pub(super) first: &'static str,
    pub(super) previous: &'static str,
    pub(super) next: &'static str,
    pub(super) overview: &'static str,
    pub(super) cut: &'static str,
    pub(super) nothing_given: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    pub(super) not_in_here: &'static str,
    pub(super) not_in_here_intro: &'static str,
    pub(super) everything_in_here: &'static str,
    pub(super) hole: &'static str,
    pub(super) files: &'static str,
    pub(super) files_intro: &'static str,
}

/// A kind of data: what it is called, what it is, and how many there are.
pub(super) struct Collection {
    pub(super) title: &'static str,
    pub(super) intro: &'static str,
    pub(super) one: &'static str,
    pub(super) many: &'static str,
}

impl Collection {
    /// `1 event`, `12,345 events`.
    pub(super) fn counted(&self, count: u64) -> String {
        let unit = if count == 1 { self.one } else { self.many };
        format!("{} {unit}", number(count))
    }
}

/// With separators between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Fills in the one gap of a text.
pub(crate) fn fill(text: &str, with: &str) -> String {
    text.replacen("{}", with, 1)
}

pub(super) static ENGLISH: Texts = Texts {
    language: "en",
    title: "Your data",
    skip: "Skip to the content",
    intro: "You asked what is stored about you. This is everything that was found. You can read it offline: nothing on these \
            pages is loaded from elsewhere.",
    asked_by: "Asked for by",
    asked_at: "Asked on",
    made_at: "Put together on",
    request: "Request",
    contents: "Contents",
    what_we_hold: "What we hold",
    nothing: "Nothing.",
    where_from_segment: "From our customer data platform (Twilio Segment), connection {}.",
    where_from_table: "From our own database {}.",
    metadata: Collection {
        title: "Your profile",
        intro: "When your profile was created and last changed, and how it is filed.",
        one: "profile",
        many: "profiles",
    },
    traits: Collection {
        title: "What is known about you",
        intro: "Facts that you gave or that were observed, groups (audiences) that you were put into, and values that were \
                calculated from what you did.",
        one: "fact",
        many: "facts",
    },
    external_ids: Collection {
        title: "What you are recognised by",
        intro: "Identifiers that belong to you, such as e-mail addresses, and numbers given to your devices.",
        one: "identifier",
        many: "identifiers",
    },
    events: Collection {
        title: "What you did",
        intro: "Each entry is one thing that you did, or that was reported of you, in the order in which it was handed out.",
        one: "event",
        many: "events",
    },
    links: Collection {
        title: "What you are linked to",
        intro: "Accounts, such as companies or households, that your profile is linked to.",
        one: "link",
        many: "links",
    },
    rows: Collection {
        title: "Records in {}",
        intro: "Rows of a table of our own database that are about you.",
        one: "record",
        many: "records",
    },
    audience: "Audience: a group that you were put into",
    computed: "Calculated from what you did",
    custom: "Given or observed",
    kind_of_trait: "Where it comes from",
    name: "Name",
    value: "Value",
    profile: "Profile",
    time: "Time",
    event: "Event",
    details: "Details",
    everything_else: "Everything that was stored with it",
    by_day: "Events by day",
    day: "Day",
    count: "Events",
    by_name: "Events by name",
    others: "others",
    only: "Show only",
    all_events: "all events of this page",
    page: "Page {}",
    first: "First",
    previous: "Previous",
    next: "Next",
    overview: "Back to the overview",
    cut: "… it goes on: the whole of it is in the file {}",
    nothing_given: "nothing",
    yes: "yes",
    no: "no",
    not_in_here: "What is not in here, and why",
    not_in_here_intro: "Some things could not be put into this package:",
    everything_in_here: "Nothing is missing that we know of.",
    hole: "{} is not complete.",
    files: "The same as files for programs",
    files_intro: "Beside these pages the package holds the same data as JSON and CSV (for spreadsheets). The file manifest.json \
                  lists all files with their sizes and checksums.",
};

/// The texts of a certificate.
pub(crate) struct CertificateTexts {
    pub(crate) language: &'static str,
    pub(crate) title: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) intro: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) completed: &'static str,
    pub(crate) verified: &'static str,
    pub(crate) what: &'static str,
    pub(crate) place: &'static str,
    pub(crate) done: &'static str,
    pub(crate) confirmed: &'static str,
    pub(crate) segment: &'static str,
    pub(crate) database: &'static str,
    pub(crate) deleted: &'static str,
    pub(crate) deleted_and_blocked: &'static str,
    pub(crate) suppressed: &'static str,
    pub(crate) masked: &'static str,
    pub(crate) no_data: &'static str,
    pub(crate) settled: &'static str,
    pub(crate) regulation: &'static str,
    pub(crate) read_back: &'static str,
    pub(crate) block_seen: &'static str,
    pub(crate) by_us: &'static str,
    pub(crate) notes: &'static str,
    pub(crate) proof: &'static str,
}

pub(crate) static CERTIFICATE: CertificateTexts = CertificateTexts {
    language: "en",
    title: "Certificate of erasure",
    skip: "Skip to the content",
    intro: "This certifies how your request {} to have your data erased was carried out.",
    asked: "Asked on",
    completed: "Completed on",
    verified: "Looked for again, and not found, on",
    what: "What was erased, and who confirmed it",
    place: "Where",
    done: "What was done",
    confirmed: "Confirmed by",
    segment: "Customer data platform (Twilio Segment), connection {}",
    database: "Our own database {}",
    deleted: "Deleted",
    deleted_and_blocked: "Deleted, and blocked from being collected again",
    suppressed: "Blocked from being collected again; what was stored before was not deleted there",
    masked: "Made unreadable in {} records",
    no_data: "Nothing was stored there",
    settled: "Settled by hand",
    regulation: "Twilio Segment, regulation {}",
    read_back: "a look at Twilio Segment afterwards",
    block_seen: "a look at Twilio Segment's list of who is blocked",
    by_us: "our own record of the change",
    notes: "What you should know",
    proof: "The full record behind this page is a signed document, which can be checked with the public key {}.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let all = [0, 7, 999, 1_000, 1_234_567].map(number);
        assert_eq!(all, ["0", "7", "999", "1,000", "1,234,567"]);
        assert_eq!(ENGLISH.events.counted(1), "1 event");
        assert_eq!(ENGLISH.events.counted(12_345), "12,345 events");
    }
}
