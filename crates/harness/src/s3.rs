//! A server that speaks S3, on loopback, over a folder: it checks signatures and checksums, and takes uploads in parts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

const KEY: &str = "rehearsal";
const SECRET: &str = "rehearsal-secret";
/// The only bucket.
const BUCKET: &str = "acme";

/// The server, until it is dropped.
#[derive(Debug)]
pub struct S3Server {
    address: SocketAddr,
    folder: TempDir,
    /// Ended before the folder goes.
    runtime: Option<Runtime>,
}

impl S3Server {
    /// Starts one, with an empty bucket.
    ///
    /// # Errors
    ///
    /// There is no port, or no room.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join(BUCKET))?;
        let files = FileSystem::new(folder.path()).map_err(|error| anyhow!("no folder to serve: {error:?}"))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // A client that leaves is no matter of ours.
                    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Ok(Self { address, folder, runtime: Some(runtime) })
    }

    /// What is written below `[packages]` to use it.
    #[must_use]
    pub fn options(&self) -> [(&'static str, String); 4] {
        [
            ("endpoint", format!("http://{}", self.address)),
            ("region", "us-east-1".to_owned()),
            ("access_key_id", KEY.to_owned()),
            ("secret_access_key", SECRET.to_owned()),
        ]
    }

    /// A destination in the bucket.
    #[must_use]
    pub fn url(&self, folder: &str) -> String {
        format!("s3://{BUCKET}/{folder}")
    }

    /// The files of the bucket that others can see, by their paths in it.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn visible(&self) -> Result<Vec<String>> {
        let bucket = self.folder.path().join(BUCKET);
        let mut files = Vec::new();
        visit(&bucket, &mut files)?;
        let shown = files.iter().filter_map(|file| file.strip_prefix(&bucket).ok());
        let mut shown: Vec<_> = shown.map(|file| file.display().to_string()).collect();
        shown.sort();
        Ok(shown)
    }

    /// Whether parts of an upload are there.
    #[must_use]
    pub fn is_receiving(&self) -> bool {
        let entries = std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().contains(".part-"))
    }

    /// Where a file of the bucket is on disk.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(name)
    }

    /// Goes away, with what it was about to do.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Hidden files are the server's own: parts, and what it knows of files.
fn visit(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            visit(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
