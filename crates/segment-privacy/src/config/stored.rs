//! Connections of the record database, as text. Unlike what is shown, it holds the secrets: the store encrypts it.

use privacy_store::StoredConnection;
use secrecy::{ExposeSecret, SecretString};

use super::{ConnectionConfig, secret::Secret};
use crate::error::CliError;

/// The text of a connection.
pub(crate) fn write(config: &ConnectionConfig) -> Result<SecretString, CliError> {
    let unexpected = |error| CliError::unexpected("the connection cannot be stored", &error);
    let mut form = serde_json::to_value(config).map_err(unexpected)?;
    for (name, secret) in [("access_token", &config.access_token), ("access_secret", &config.access_secret)] {
        if let Some(text) = secret.as_ref().and_then(Secret::inline) {
            form[name] = text.into();
        }
    }
    serde_json::to_string(&form).map(SecretString::from).map_err(unexpected)
}

/// The connection of a text.
pub(crate) fn read(stored: &StoredConnection) -> Result<ConnectionConfig, CliError> {
    serde_json::from_str(stored.settings.expose_secret()).map_err(|error| {
        // The error could repeat a value, so only its place is told.
        let place = format!("line {}, column {}", error.line(), error.column());
        CliError::usage(
            "connection_malformed",
            format!("the connection {} in the record database cannot be read ({place})", stored.key),
        )
        .hint("it is of another version of segment-privacy: use that one, or remove and add the connection")
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use segment_core::ConnectionKey;

    use super::*;

    #[test]
    fn a_connection_is_read_back_with_its_secrets() {
        let text = r#"
key = "prod"
kind = "segment_unify"
enabled = false
workspace = "acme"
access_token = "sgp \" secret"
access_secret = { file = "secret" }
space_id = "spa_x"
scope = { source = "web" }
segment_user_id = { dataset = "shop", field = "customer.id", direction = "from" }
limits = { monthly_users = 5 }
"#;
        let config: ConnectionConfig = toml::from_str(text).unwrap();
        let settings = write(&config).unwrap();
        let key = ConnectionKey::new("prod");
        let stored = StoredConnection { key, version: 1, updated_at: Timestamp::UNIX_EPOCH, settings };
        let back = read(&stored).unwrap();
        assert_eq!(write(&back).unwrap().expose_secret(), write(&config).unwrap().expose_secret());
        assert_eq!(back.access_token.as_ref().and_then(Secret::inline), Some("sgp \" secret"));
        assert!(!back.enabled && back.limits.monthly_users == Some(5));
        assert!(!format!("{back:?}").contains("secret\""), "a secret is not shown");
    }
}
