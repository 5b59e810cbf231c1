//! Somebody who is told of changes: a server on loopback that writes down what it is told, and answers as it is told to.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// 32 bytes.
pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What it was told once.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// The server. It ends with the process.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: String,
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}/hooks", listener.local_addr()?);
        let (calls, answers) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<Mutex<VecDeque<u16>>>::default());
        let (all, next) = (calls.clone(), answers.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who breaks off has told nothing.
                let Ok((call, mut stream)) = read(stream) else { continue };
                all.lock().unwrap_or_else(PoisonError::into_inner).push(call);
                let status = next.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(204);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} -\r\ncontent-length: 0\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n"
                );
            }
        });
        Ok(Self { address, calls, answers })
    }

    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    /// The next calls are answered so, those after them with 204.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).extend(statuses);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(stream: TcpStream) -> Result<(Call, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "it broke off");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").context("no length")?.1.parse()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((Call { headers, body: String::from_utf8(body)? }, reader.into_inner()))
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.body)?)
    }

    /// The signature is of this id, this time and this body.
    pub(crate) fn is_signed(&self) -> Result<()> {
        let key = STANDARD.decode(SECRET.trim_start_matches("whsec_"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
        mac.update(
            format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body).as_bytes(),
        );
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        ensure!(self.header("webhook-signature") == expected, "the signature is another: {:?}", self.headers);
        Ok(())
    }
}
