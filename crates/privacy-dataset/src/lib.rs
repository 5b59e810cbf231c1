#![doc = include_str!("../README.md")]

mod dataset;
mod error;
mod field_ref;
mod graph;
mod masking;
mod nearest;
mod plan;
mod traversal;
mod yaml;

pub use dataset::{Collection, Dataset, Direction, Field, MaskingOverride, Reference};
pub use error::{DatasetError, PlanError};
pub use field_ref::{FieldPath, FieldRef, FieldRefError};
pub use masking::{
    Masked, MaskedField, MaskedFieldError, MaskedFields, MaskingPolicy, MaskingSecrets, MaskingStrategy, StrategyError,
};
pub use nearest::nearest_names;
pub use plan::{LookupPlan, MAX_ROUTES, Route, Step};
pub use traversal::{Entry, Origin, Referrer, Traversal, Visit};
