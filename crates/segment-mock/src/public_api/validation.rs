//! 422 with every failure, in the words of the vendor's samples \[W-VAL\].

use serde_json::{Value, json};

use crate::answer::Answer;

/// The failures of one request.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<Value>);

impl Failures {
    /// Adds a failure: the message quotes the field and says what is wrong with it.
    pub(super) fn add(&mut self, field: &str, complaint: &str) {
        let message = format!("\"{field}\" {complaint}");
        self.0.push(json!({"type": "input-validation", "message": message, "field": field}));
    }

    /// Demands one of the known values.
    pub(super) fn one_of(&mut self, field: &str, value: &str, known: &[&str]) {
        if !known.contains(&value) {
            self.add(field, &format!("must be one of [{}]", known.join(", ")));
        }
    }

    /// The answer, unless there are none.
    pub(super) fn into_answer(self) -> Option<Answer> {
        (!self.0.is_empty()).then(|| Answer::json(422, json!({"errors": self.0})))
    }
}
