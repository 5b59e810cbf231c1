//! The listening side: a thread with its own runtime, so that a mock serves blocking tests as well as async ones.

mod listener;
mod pipeline;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use tokio::sync::oneshot;

use crate::shared::Shared;
use listener::{CuttableListener, Line};

/// The running server; dropping it stops it and closes all its connections.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds a port on loopback, lets `world` make the state for its address, and serves.
    pub(crate) fn start(port: u16, world: impl FnOnce(SocketAddr) -> Shared) -> std::io::Result<(Self, Arc<Shared>)> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(world(listener.local_addr()?));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = {
            let _inside = runtime.enter();
            CuttableListener::new(tokio::net::TcpListener::from_std(listener)?)
        };
        let app = Router::new().fallback(pipeline::answer).with_state(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("segment-mock".into()).spawn(move || {
            let serve = async {
                let serve = axum::serve(listener, app.into_make_service_with_connect_info::<Line>());
                futures_util::future::select(serve.into_future(), stopped).await;
            };
            runtime.block_on(serve);
            // Dropping the runtime drops every connection.
        })?;
        Ok((Self { stop: Some(stop), thread: Some(thread) }, shared))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server thread has been printed; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}
