//! Servers that answer whatever they are told to, and keep what they were asked.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A server that gives fixed answers, one a connection.
pub(crate) struct Raw {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    /// The same answer to every connection.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::answering_in_turn([answer]).await
    }

    /// One answer after the other, the last for ever.
    pub(crate) async fn answering_in_turn(answers: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers: Vec<Vec<u8>> = answers.into_iter().map(Into::into).collect();
        let seen = asked.clone();
        tokio::spawn(async move {
            for turn in 0.. {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let mut request = vec![0; 16_384];
                let read = stream.read(&mut request).await.unwrap_or(0);
                seen.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
                // The reader may have hung up already.
                let _ = stream.write_all(&answers[turn.min(answers.len() - 1)]).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { url, asked }
    }

    pub(crate) async fn json(body: &str) -> Self {
        Self::answering(reply(200, body)).await
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A whole answer of JSON.
pub(crate) fn reply(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} It\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}
