use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use object_store::{PutPayload, PutResult, UploadPart};

use super::*;

/// Notes the parts; refuses the one of number `full_at`.
#[derive(Debug, Default)]
struct Recorder {
    parts: Arc<Mutex<Vec<usize>>>,
    content: Arc<Mutex<Vec<u8>>>,
    full_at: Option<usize>,
}

#[async_trait]
impl MultipartUpload for Recorder {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let number = self.parts.lock().unwrap().len();
        self.parts.lock().unwrap().push(data.content_length());
        self.content.lock().unwrap().extend(data.iter().flat_map(|bytes| bytes.to_vec()));
        let result = if self.full_at == Some(number) {
            let source = Box::new(io::Error::from(io::ErrorKind::StorageFull));
            Err(object_store::Error::Generic { store: "test", source })
        } else {
            Ok(())
        };
        Box::pin(async move { result })
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        unreachable!("the caller's")
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        unreachable!("the caller's")
    }
}

#[tokio::test]
async fn parts_are_of_equal_size_and_hashed_in_order() {
    let mut upload = Recorder::default();
    let content: Vec<u8> = (0..PART * 2 + 10).map(|n| u8::try_from(n % 253).unwrap()).collect();
    let expected = content.clone();
    let sent = transfer(&mut upload, move |mut parts| {
        content.chunks(777).for_each(|piece| parts.write_all(piece).unwrap());
        Ok(parts.finish().unwrap())
    })
    .await
    .unwrap();
    assert_eq!(*upload.parts.lock().unwrap(), [PART, PART, 10]);
    assert_eq!(*upload.content.lock().unwrap(), expected);
    assert_eq!(sent, Sent { bytes: expected.len() as u64, sha256: hex::encode(Sha256::digest(&expected)) });
}

#[tokio::test]
async fn nothing_written_is_nothing_sent() {
    let mut upload = Recorder::default();
    let sent = transfer(&mut upload, |parts| Ok(parts.finish().unwrap())).await.unwrap();
    assert_eq!((sent.bytes, upload.parts.lock().unwrap().len()), (0, 0));
}

#[tokio::test]
async fn a_refused_part_stops_the_writing_and_is_the_cause() {
    let mut upload = Recorder { full_at: Some(1), ..Recorder::default() };
    let failed = transfer(&mut upload, |mut parts| {
        for _ in 0..20 {
            parts.write_all(&vec![0; PART]).map_err(|e| write_error("x", e))?;
        }
        Ok(())
    });
    let error = failed.await.unwrap_err();
    assert!(matches!(error, PackageError::Write { what: "the package", .. }), "{error:?}");
    assert!(format!("{error:?}").contains("StorageFull"), "{error:?}");
    assert_eq!(upload.parts.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_or_panicking_writer_is_never_a_success() {
    let mut upload = Recorder::default();
    let failed = transfer(&mut upload, |mut parts| -> Result<(), _> {
        parts.write_all(b"begun").unwrap();
        Err(write_error("x", io::Error::other("no")))
    });
    assert!(failed.await.is_err());
    let panicked = transfer(&mut upload, |_| -> Result<(), _> { panic!("ann@example.com") });
    let error = panicked.await.unwrap_err();
    assert!(!format!("{error:?}").contains("ann@example.com"));
}

#[tokio::test]
async fn a_slow_store_holds_the_writer_back() {
    #[derive(Debug)]
    struct Slow {
        written: Arc<AtomicUsize>,
        taken: usize,
        most: usize,
    }
    #[async_trait]
    impl MultipartUpload for Slow {
        fn put_part(&mut self, data: PutPayload) -> UploadPart {
            self.most = self.most.max(self.written.load(Ordering::SeqCst) - self.taken);
            self.taken += data.content_length();
            Box::pin(async {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                Ok(())
            })
        }
        async fn complete(&mut self) -> object_store::Result<PutResult> {
            unreachable!("the caller's")
        }
        async fn abort(&mut self) -> object_store::Result<()> {
            unreachable!("the caller's")
        }
    }
    let written = Arc::new(AtomicUsize::new(0));
    let mut upload = Slow { written: Arc::clone(&written), taken: 0, most: 0 };
    transfer(&mut upload, move |mut parts| {
        let piece = vec![0; PART / 4];
        for _ in 0..40 {
            written.fetch_add(piece.len(), Ordering::SeqCst);
            parts.write_all(&piece).unwrap();
        }
        parts.finish().map_err(|e| write_error("x", e))
    })
    .await
    .unwrap();
    assert_eq!(upload.taken, 10 * PART);
    assert!(upload.most <= 3 * PART, "{} parts in memory", upload.most / PART);
}
