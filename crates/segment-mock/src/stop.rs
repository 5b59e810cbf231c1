//! Waiting to be told to stop: Ctrl-C and, where it exists, SIGTERM.

#[cfg(not(unix))]
pub(crate) use other::Stop;
#[cfg(unix)]
pub(crate) use unix::Stop;

#[cfg(unix)]
mod unix {
    use std::pin::pin;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(crate) struct Stop {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Stop {
        pub(crate) fn listen() -> std::io::Result<Self> {
            Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        }

        pub(crate) async fn received(&mut self) {
            let (interrupt, terminate) = (pin!(self.interrupt.recv()), pin!(self.terminate.recv()));
            futures_util::future::select(interrupt, terminate).await;
        }
    }
}

#[cfg(not(unix))]
mod other {
    pub(crate) struct Stop;

    impl Stop {
        #[expect(clippy::unnecessary_wraps, reason = "the same shape as on unix")]
        pub(crate) fn listen() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn received(&mut self) {
            // Without a handler for Ctrl-C the system ends the process, which is what is wanted.
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
