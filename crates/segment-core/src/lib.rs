#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod error;
mod evidence;
mod findings;
mod hold;
mod identity;
mod ids;
mod intake;
mod lifecycle;
mod order;
mod package;
mod paging;
mod pii;
pub mod ports;
mod profile;
mod regime;
mod regulation;
mod request;
mod retention;
mod rows;
mod tally;
#[cfg(feature = "testing")]
pub mod testing;
mod verdict;
mod webhook;
mod windows;
mod work;

pub use account::{ApiToken, Scope, SecretHash, Session};
pub use error::{ErrorKind, Retry, SegmentError, Service};
pub use evidence::{ChainEnd, EvidenceSalt, LogChain, canonical};
pub use findings::{Finding, FindingCode};
pub use hold::LegalHold;
pub use identity::{Identity, IdentityError, IdentityKind, IdentitySet};
pub use ids::{ConnectionKey, HoldId, IntentId, RegulationId, RequestId, TokenId};
pub use intake::{Intake, NewRequest};
pub use lifecycle::{Gate, Halt, HaltKind, InvalidTransition, Outcome, RequestStatus, Resume, TaskEvent, TaskState};
pub use order::{MAX_SUBJECTS, NewRegulation, RegulationScope, SubjectType};
pub use package::{FileReceipt, MaskingKey, NewPackage, PackageReceipt, Recipient, Records, StagingKey};
pub use paging::{Cursor, Page, Paged, pages};
pub use pii::Pii;
pub use profile::{
    Event, EventSort, EventsQuery, ExternalId, ExternalIdsQuery, Link, LinksQuery, Metadata, ProfileRef, Trait,
    TraitClass, TraitsQuery,
};
pub use regime::Regime;
pub use regulation::{
    DestinationReport, QuotaCategory, RegulationEntry, RegulationQuery, RegulationReport, RegulationStatus,
    RegulationType, Submission, Suppression, Workspace,
};
pub use request::{Action, AuditEntry, Holder, Request, RequestFilter, RequestSummary, Resolution, Task};
pub use retention::{Expired, Retention};
pub use rows::{DatasetRows, MaskOrder, MaskReport, RowMark, RowStep, RowTrace, Subject};
pub use tally::{Standing, Tally, TallyFilter};
pub use verdict::Verdict;
pub use webhook::{Attempted, Delivery};
pub use windows::event_pages;
pub use work::{
    Backlog, ClaimScope, Claimed, Decision, Due, Intended, IntentPlan, Lease, LeaseSubject, Ledger, LedgerFilter,
    LedgerState, LedgerUpdate, Member, MemberChange, MemberNote, MonthlyQuota, RequestUpdate,
};
