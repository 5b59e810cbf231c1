use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The quota of one connection and category, as our own ledger counts it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QuotaShape {
    /// The connection.
    pub connection: String,
    /// `segment_only` or `segment_and_destination`.
    pub category: String,
    /// The month, such as `2026-11`, in UTC.
    pub month: String,
    /// Users that may be sent in it.
    pub limit: u64,
    /// Kept for people who cannot wait for the next month.
    pub reserve: u64,
    /// Users that were sent.
    pub used: u64,
    /// User ids that wait for a regulation.
    pub waiting: u64,
    /// When the last of those is expected to leave, if not this month.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub forecast: Option<Timestamp>,
}
