//! The spelling of field names.

use serde_json::Value;

use crate::config::ConfigShape;

/// An answer in the configured spelling.
pub(super) fn shaped(body: Value, shape: ConfigShape) -> Value {
    if shape.camel_case { renamed(body, &camel_name) } else { body }
}

/// The same in snake case.
pub(super) fn snake(body: Value) -> Value {
    renamed(body, &snake_name)
}

fn renamed(value: Value, name: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (name(&key), renamed(value, name))).collect())
        }
        Value::Array(members) => members.into_iter().map(|member| renamed(member, name)).collect(),
        other => other,
    }
}

fn camel_name(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &capital.into_iter().chain(letters).collect::<String>()
    })
}

fn snake_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 2);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
