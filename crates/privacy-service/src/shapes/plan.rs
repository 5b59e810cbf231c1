use std::collections::BTreeMap;

use privacy_engine::{MaskPlan, Plan};
use segment_core::RowStep;
use serde::Serialize;
use utoipa::ToSchema;

/// What an erasure would do. Nothing was written anywhere.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DryRunShape {
    /// Always true.
    pub dry_run: bool,
    /// By connection and dataset.
    pub plan: Vec<PlanShape>,
    /// Rows of a file that would not be taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedShape>,
}

/// What would be done at one connection or dataset.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlanShape {
    /// The connection, or the dataset.
    pub connection: String,
    /// `suppress`, `delete` or `mask`.
    pub action: String,
    /// What would be ordered at Segment; `null` where rows are masked.
    pub regulation_type: Option<String>,
    /// User ids that would be sent; people where rows are masked.
    pub subjects: u64,
    /// Calls to create regulations.
    pub calls: u64,
    /// Rows that would be masked, by `dataset.collection`.
    pub masks: BTreeMap<String, u64>,
    /// The look-ups in the owned databases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepShape>,
    /// What should be known before.
    pub warnings: Vec<String>,
}

/// A look-up in an owned database.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StepShape {
    /// `dataset.collection`
    pub collection: String,
    /// The field that is compared.
    pub by: String,
    /// Where the values come from.
    pub values_of: String,
    /// How many rows the database expects.
    pub expected_rows: Option<u64>,
    /// Whether an index serves.
    pub index: Option<bool>,
}

/// A row of a file that was not taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RejectedShape {
    /// The line of the file.
    pub line: u64,
    /// Why, as a stable code.
    pub code: String,
    /// Why, in a sentence.
    pub message: String,
}

impl From<RowStep> for StepShape {
    fn from(step: RowStep) -> Self {
        let RowStep { collection, by, values_of, expected_rows, index } = step;
        Self { collection, by, values_of, expected_rows, index }
    }
}

impl From<MaskPlan> for PlanShape {
    fn from(plan: MaskPlan) -> Self {
        Self {
            connection: plan.dataset.to_string(),
            action: "mask".to_owned(),
            regulation_type: None,
            subjects: plan.people,
            calls: 0,
            masks: plan.masks,
            steps: plan.steps.into_iter().map(StepShape::from).collect(),
            warnings: plan.warnings,
        }
    }
}

impl From<Plan> for PlanShape {
    fn from(plan: Plan) -> Self {
        Self {
            connection: plan.connection.to_string(),
            action: if plan.kind.deletes() { "delete" } else { "suppress" }.to_owned(),
            regulation_type: Some(plan.kind.as_str().to_owned()),
            subjects: plan.subjects,
            calls: plan.calls,
            masks: BTreeMap::new(),
            steps: plan.steps.into_iter().map(StepShape::from).collect(),
            warnings: plan.warnings,
        }
    }
}
