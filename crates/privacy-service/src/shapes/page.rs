use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list, as Fides has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// How many there are on all pages. Beyond 10,000 it may be some seconds old.
    pub total: u64,
    /// Which page it is, from 1.
    pub page: u64,
    /// How many are on a page, at most.
    pub size: u64,
    /// How many pages there are.
    pub pages: u64,
}

impl<T> Page<T> {
    /// A page of so many.
    #[must_use]
    pub fn new(items: Vec<T>, total: u64, page: u64, size: u64) -> Self {
        Self { items, total, page, size, pages: total.div_ceil(size.max(1)) }
    }
}
