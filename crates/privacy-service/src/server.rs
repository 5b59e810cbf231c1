//! Listening: on loopback, behind TLS, or behind a proxy that somebody vouches for.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum_server::{Handle, tls_rustls::RustlsConfig};
use hyper_util::rt::TokioTimer;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use thiserror::Error;
use tokio::task::JoinHandle;

use crate::Service;

/// How long somebody may take to say what they want: who sends their headers more slowly is not waited for.
const HEADERS: Duration = Duration::from_secs(10);

/// Where and how.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address and port; port 0 is any that is free.
    pub address: SocketAddr,
    /// The certificate, for HTTPS.
    pub tls: Option<TlsFiles>,
    /// A proxy in front of it does TLS.
    pub behind_proxy: bool,
}

/// Files in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why nothing listens.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Tokens and what people receive would pass networks in the clear.
    #[error("{0} is not an address of this machine alone, and there is neither TLS nor a proxy that does it")]
    InTheClear(SocketAddr),
    /// The address is in use, or not this machine's.
    #[error("cannot listen on {address}")]
    Bind {
        /// the address
        address: SocketAddr,
        /// why
        #[source]
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot use {what}")]
    Tls {
        /// which of them
        what: &'static str,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A service that listens.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    secure: bool,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

/// Listens, and serves until it is told to stop.
///
/// # Errors
///
/// [`ListenError`]: above all an address that others can reach, without TLS.
pub async fn listen(service: &Service, listen: &Listen) -> Result<Running, ListenError> {
    if !listen.address.ip().to_canonical().is_loopback() && listen.tls.is_none() && !listen.behind_proxy {
        return Err(ListenError::InTheClear(listen.address));
    }
    let bind = |source| ListenError::Bind { address: listen.address, source };
    let tls = listen.tls.as_ref().map(tls).transpose()?;
    let listener = TcpListener::bind(listen.address).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let (handle, secure) = (Handle::new(), tls.is_some());
    let make = service.router().into_make_service_with_connect_info::<SocketAddr>();
    let task = if let Some(tls) = tls {
        let mut server = axum_server::from_tcp_rustls(listener, tls).map_err(bind)?.http1_only().handle(handle.clone());
        server = server.first_request_timeout(HEADERS);
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
        tokio::spawn(server.serve(make))
    } else {
        let mut server = axum_server::from_tcp(listener).map_err(bind)?.http1_only().handle(handle.clone());
        server = server.first_request_timeout(HEADERS);
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
        tokio::spawn(server.serve(make))
    };
    Ok(Running { address, secure, handle, task })
}

/// What the files say.
fn tls(files: &TlsFiles) -> Result<RustlsConfig, ListenError> {
    fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(what: &'static str) -> impl FnOnce(E) -> ListenError {
        move |source| ListenError::Tls { what, source: source.into() }
    }
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed("the certificate of [server.tls]"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(failed("the key of [server.tls]"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key));
    let mut config = config.map_err(failed("the certificate of [server.tls] with its key"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }

    /// Takes no new calls, and waits for those under way, but not for longer than `patience`.
    pub async fn stop(self, patience: Duration) {
        self.handle.graceful_shutdown(Some(patience));
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!("the service ended with an error: {error}");
        }
    }
}
