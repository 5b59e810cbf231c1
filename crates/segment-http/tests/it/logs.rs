//! Neither a token nor a person reaches a log, an error or a `Debug`.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use segment_core::{
    RegulationId,
    ports::{RegulationSubmit, Regulations},
};
use segment_mock::{Fault, FaultRule, MockConfig, MockSegment};
use tracing_subscriber::fmt::MakeWriter;

use crate::rig::{on, order};

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
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let client = on(&mock);
    let order = order(&["u-secret-1", "ann+1@example.com"]);
    let mut told = vec![format!("{:?} {order:?}", client.api)];
    for fault in [
        Fault::invalid_field("subjectIds[0]", "u-secret-1 is not allowed"),
        Fault::server_error(),
        Fault::cut(),
        Fault::unauthorized(),
    ] {
        mock.clear_faults();
        mock.fault(FaultRule::new(fault).always());
        told.push(format!("{:?}", client.api.create(&order, Duration::from_secs(5)).await));
        for id in ["u-secret-1", "ann+1@example.com"] {
            let error = client.api.get(&RegulationId::new(id)).await.unwrap_err();
            told.push(format!("{error} {error:?}"));
        }
    }
    told.push(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    let told = told.join("\n");
    assert!(told.contains("POST /regulations") && told.contains("trying again"), "the log says what happens: {told}");
    for secret in ["u-secret-1", "ann+1", "ann%2B1", "example.com", mock.public_token(), "127.0.0.1/", "http://"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
