//! A way to a server that can be cut, as networks and servers are.

use std::{
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result};

/// Hands on what it hears on loopback to a server, until it is cut. Dropping it cuts it for good.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    ways: Arc<Mutex<Ways>>,
}

#[derive(Debug, Default)]
struct Ways {
    is_cut: bool,
    is_over: bool,
    open: Vec<TcpStream>,
}

impl Relay {
    /// A way to the server whose host and port are named in this URL of a database, and the URL that leads over it.
    ///
    /// # Errors
    ///
    /// The URL names no port, or no port is free here.
    pub(crate) fn to(url: &str) -> Result<(Self, String)> {
        let after = url.split_once("://").context("no scheme")?.1;
        let authority = after.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let server = host.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let relay = Self { address: listener.local_addr()?, ways: Arc::default() };
        let over = url.replacen(host, &relay.address.to_string(), 1);
        let ways = Arc::clone(&relay.ways);
        std::thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let mut now = locked(&ways);
                if now.is_over {
                    return;
                }
                if now.is_cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server) else { continue };
                for (from, to) in [(&caller, &server), (&server, &caller)] {
                    let (Ok(mut from), Ok(mut to), Ok(kept)) = (from.try_clone(), to.try_clone(), from.try_clone())
                    else {
                        continue;
                    };
                    now.open.push(kept);
                    std::thread::spawn(move || {
                        // Whatever ends one direction ends both.
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                        let _ = from.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Ok((relay, over))
    }

    /// Breaks off every connection, and takes no new one.
    pub(crate) fn cut(&self) {
        let mut ways = locked(&self.ways);
        ways.is_cut = true;
        for open in ways.open.drain(..) {
            let _ = open.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub(crate) fn mend(&self) {
        locked(&self.ways).is_cut = false;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
        locked(&self.ways).is_over = true;
        // Wakes the one who waits for callers.
        let _ = TcpStream::connect(self.address);
    }
}

fn locked(ways: &Mutex<Ways>) -> MutexGuard<'_, Ways> {
    ways.lock().unwrap_or_else(PoisonError::into_inner)
}
