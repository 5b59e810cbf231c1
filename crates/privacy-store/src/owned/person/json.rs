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
        Holds::Json if is_exact(&text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        // PostgreSQL shows bytes in hex.
        Holds::Bytes => match text.strip_prefix("\\x").map(hex::decode) {
            Some(Ok(bytes)) => Value::from(STANDARD.encode(bytes)),
            _ => Value::from(STANDARD.encode(text)),
        },
        // JSON, too, where its numbers would be rounded.
        Holds::Json | Holds::Text | Holds::Shape | Holds::Other => Value::String(text),
    }
}

/// The number of a text that is written back the same.
fn exact_number(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text).ok()?;
    (number.to_string() == text).then_some(number)
}

/// Whether a document that is written again keeps all its numbers: what neither fits into 64 bits nor is written by a float would
/// be rounded.
pub(super) fn is_exact(document: &str) -> bool {
    let (mut in_text, mut escaped, mut start) = (false, false, None);
    for (at, byte) in document.bytes().enumerate() {
        let in_number = !in_text && matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
        match (in_number, start) {
            // `true` and `false` end in a letter that a number may have, but do not begin with a digit.
            (true, None) if byte == b'-' || byte.is_ascii_digit() => start = Some(at),
            (false, Some(from)) => {
                if !keeps(&document[from..at]) {
                    return false;
                }
                start = None;
            }
            _ => {}
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ => {}
        }
    }
    start.is_none_or(|from| keeps(&document[from..]))
}

fn keeps(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    digits <= f64::DIGITS as usize || exact_number(number).is_some()
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

    #[test]
    fn a_document_is_written_back_to_the_last_digit() {
        let text = r#"{"near":8.9304e-35,"place":94.95886283158103}"#;
        assert_eq!(of_text(Holds::Json, text.to_owned()).to_string(), text);
    }

    #[test]
    fn documents_that_would_lose_digits_are_told_apart() {
        for (text, expected) in [
            (r#"{"id":9007199254740993,"ratio":0.25}"#, true),
            (r#"{"sum":0.30000000000000004}"#, true),
            ("12345678901234567890123", false),
            (r#"{"ratio":0.1,"note":"12345678901234567890 \\" 5"}"#, true),
            (r#"{"big":123456789012345678901234567890}"#, false),
            (r#"{"fine":[1.5,2e3,true,null]}"#, true),
            (r#"{"fine":0.12345678901234567890}"#, false),
        ] {
            assert_eq!(is_exact(text), expected, "{text}");
        }
    }
}
