//! Neither the secret nor a person reaches a log, an error or a `Debug`, although a person's e-mail is in the URL.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use segment_core::{IdentityKind, TraitsQuery, ports::Profiles};
use segment_mock::{Fault, FaultRule, MockConfig};
use tracing_subscriber::fmt::MakeWriter;

use crate::rig::{api, by, start};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_personal_is_told() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new("trace,segment_mock=off"))
        .with_writer(log.clone())
        .finish();
    // For the whole process: what other tests cause must hold nothing personal either.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mock = start(MockConfig::new());
    let (api, who) = (api(&mock), by(IdentityKind::Email, "ann+secret@example.com"));
    let mut told = vec![format!("{api:?} {who:?}")];
    let found = api.traits(&by(IdentityKind::Email, "ann@example.com"), &TraitsQuery::default()).await;
    told.push(format!("{found:?}"));
    let echo = r#"{"error":{"code":"ann+secret@example.com","message":"ann+secret@example.com is not allowed"}}"#;
    for fault in [
        Fault::reply(400, "application/json", echo),
        Fault::reply(404, "text/html", "<p>ann+secret@example.com</p>"),
        Fault::server_error(),
        Fault::cut(),
        Fault::rate_limited(),
        Fault::redirect(302, "http://127.0.0.1:9/ann+secret"),
    ] {
        mock.clear_faults();
        mock.fault(FaultRule::new(fault).always());
        let error = api.traits(&who, &TraitsQuery::default()).await.unwrap_err();
        told.push(format!("{error} {error:?}"));
    }
    told.push(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    let told = told.join("\n");
    assert!(told.contains("GET …/traits") && told.contains("trying again"), "the log says what happens: {told}");
    for secret in ["ann+secret", "ann%2B", "ann@", "example.com", "trait_001\" value", mock.profile_token(), "http://"]
    {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
