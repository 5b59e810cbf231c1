//! Values as people read them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Number, Value};

use crate::owned::database::{Cell, Column, Holds};

/// A value as JSON: numbers, truth values and JSON as they are, bytes in base64, everything else as the text that the database
/// shows. A number that JSON readers would round stays a text.
pub(super) fn value(column: &Column, cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::from(number),
        Cell::Real(number) => Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number),
        Cell::Bytes(bytes) => Value::from(STANDARD.encode(bytes)),
        Cell::Text(text) => of_text(column.holds, text),
    }
}

fn of_text(holds: Holds, text: String) -> Value {
    match holds {
        Holds::Number => exact_number(&text).map_or(Value::String(text), Value::Number),
        Holds::Boolean => match text.as_str() {
            "t" | "true" => Value::Bool(true),
            "f" | "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        Holds::Json => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        // PostgreSQL shows bytes in hex.
        Holds::Bytes => match text.strip_prefix("\\x").map(hex::decode) {
            Some(Ok(bytes)) => Value::from(STANDARD.encode(bytes)),
            _ => Value::from(STANDARD.encode(text)),
        },
        Holds::Text | Holds::Other => Value::String(text),
    }
}

/// The number of a text that is written back the same.
fn exact_number(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text).ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_what_they_are() {
        for (holds, text, expected) in [
            (Holds::Number, "42", json!(42)),
            (Holds::Number, "-1.5", json!(-1.5)),
            (Holds::Number, "9007199254740993", json!(9_007_199_254_740_993_i64)),
            (Holds::Number, "123456789012345678901234567890", json!("123456789012345678901234567890")),
            (Holds::Number, "0.10000000000000000001", json!("0.10000000000000000001")),
            (Holds::Number, "1.50", json!("1.50")),
            (Holds::Number, "NaN", json!("NaN")),
            (Holds::Boolean, "t", json!(true)),
            (Holds::Boolean, "false", json!(false)),
            (Holds::Json, r#"{"a":[1,null]}"#, json!({"a": [1, null]})),
            (Holds::Bytes, "\\x6869", json!("aGk=")),
            (Holds::Other, "2026-11-24", json!("2026-11-24")),
            (Holds::Text, "null", json!("null")),
        ] {
            assert_eq!(of_text(holds, text.to_owned()), expected, "{holds:?} {text}");
        }
    }
}
