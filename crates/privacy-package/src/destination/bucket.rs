//! A bucket of an object store: S3 or what is compatible with it, Google Cloud Storage, Azure Blob Storage.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::Method;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, RetryConfig};
use segment_core::ports::PackageError;

use super::{PackageStream, file_name};
use crate::failure::{BUCKET, PACKAGE, write_error};

/// A call that fails is made again within this time.
const PATIENCE: Duration = Duration::from_mins(1);
const RETRIES: usize = 5;

/// How an object store is reached: the options of its builder in `object_store`, by their names there, such as `region`,
/// `endpoint` or `access_key_id`. Values are never shown.
#[derive(Clone, Default)]
pub struct StoreOptions {
    given: BTreeMap<String, String>,
    /// Beside what is given; what the store does not know is passed over.
    ambient: BTreeMap<String, String>,
}

impl StoreOptions {
    /// Adds an option.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.given.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// Adds what the environment says, such as `AWS_REGION`: it counts where nothing else is given.
    #[must_use]
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.ambient.extend(variables.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)));
        self
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ambient.keys().chain(self.given.keys())).finish()
    }
}

/// A bucket, or a folder in it.
#[derive(Clone)]
pub(crate) struct Bucket {
    /// Without the folder.
    whole: String,
    label: String,
    store: Arc<dyn ObjectStore>,
    signer: Arc<dyn Signer>,
    prefix: Path,
}

/// What the store's client shows of itself is not ours to decide.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.label).finish()
    }
}

impl Bucket {
    /// `url` is `s3://…`, `gs://…` or `az://…`. `None` if it is none of these.
    pub(crate) fn parse(url: &str, options: &StoreOptions) -> Option<Result<Self, PackageError>> {
        let (scheme, rest) = url.split_once("://")?;
        let make = match scheme {
            "s3" => s3,
            "gs" => gcs,
            "az" => azure,
            _ => return None,
        };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || !name.bytes().all(plain) {
            return Some(Err(refused("the destination names no bucket: write it as s3://bucket/folder")));
        }
        let Ok(prefix) = Path::parse(prefix) else {
            return Some(Err(refused("the folder in the bucket is no path")));
        };
        let bucket = format!("{scheme}://{name}");
        let label = if prefix.is_root() { bucket.clone() } else { format!("{bucket}/{prefix}") };
        Some(make(&bucket, options).map(|(store, signer)| Self { whole: bucket, label, store, signer, prefix }))
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    /// The file of a location in this bucket, also in another folder than the configured one.
    fn named(&self, location: &str) -> Result<Path, PackageError> {
        file_name(location)?;
        let path = location.strip_prefix(&self.whole).and_then(|path| path.strip_prefix('/'));
        let path = path.and_then(|path| Path::parse(path).ok());
        path.ok_or_else(|| refused(&format!("the package is not in {}, which is where packages go now", self.whole)))
    }

    pub(crate) async fn upload(&self, name: &str) -> Result<Box<dyn MultipartUpload>, PackageError> {
        self.store.put_multipart(&self.path(name)).await.map_err(|error| write_error(BUCKET, error))
    }

    /// Not there is as good as deleted.
    pub(crate) async fn remove(&self, location: &str) -> Result<(), PackageError> {
        match self.store.delete(&self.named(location)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(write_error(PACKAGE, error)),
        }
    }

    /// Its length and its content; `None` if it is not there.
    pub(crate) async fn read(&self, location: &str) -> Result<Option<(u64, PackageStream)>, PackageError> {
        match self.store.get(&self.named(location)?).await {
            Ok(found) => {
                let bytes = found.meta.size;
                Ok(Some((bytes, found.into_stream().map_err(std::io::Error::other).boxed())))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(write_error(PACKAGE, error)),
        }
    }

    /// Writes and deletes something.
    pub(crate) async fn check(&self, probe: &str) -> Result<(), PackageError> {
        let path = self.path(probe);
        let failed = |error| write_error(BUCKET, error);
        self.store.put(&path, "probe".into()).await.map_err(failed)?;
        self.store.delete(&path).await.map_err(failed)
    }

    /// An address from which the package can be had for a while, by whoever knows it.
    pub(crate) async fn link(&self, location: &str, valid: Duration) -> Result<String, PackageError> {
        let signed = self.signer.signed_url(Method::GET, &self.named(location)?, valid).await;
        signed.map(|url| url.to_string()).map_err(|error| write_error("the link", error))
    }
}

fn refused(sentence: &str) -> PackageError {
    PackageError::Destination(sentence.to_owned())
}

type Made = Result<(Arc<dyn ObjectStore>, Arc<dyn Signer>), PackageError>;

fn retries() -> RetryConfig {
    RetryConfig { max_retries: RETRIES, retry_timeout: PATIENCE, ..RetryConfig::default() }
}

/// The options by their keys, and whether plain HTTP is meant: on loopback only.
fn read<K: FromStr>(options: &StoreOptions) -> Result<(Vec<(K, String)>, bool), PackageError> {
    let known = |(name, value): (&String, &String)| Some((name.parse().ok()?, value.clone()));
    let mut keys: Vec<(K, String)> = options.ambient.iter().filter_map(known).collect();
    let mut plain = false;
    for (name, value) in &options.given {
        if let Some(host) = value.strip_prefix("http://") {
            // What comes before an `@` is no host.
            let authority = host.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.split(':').next().unwrap_or_default();
            if authority.contains('@') || !matches!(host, "127.0.0.1" | "localhost") {
                return Err(refused(&format!("{name}: plain http is for loopback only; write https://")));
            }
            plain = true;
        }
        let key = name.parse().map_err(|_| refused(&format!("{name} is no option of this store")))?;
        keys.push((key, value.clone()));
    }
    Ok((keys, plain))
}

fn made<T: ObjectStore + Signer>(store: object_store::Result<T>, options: &StoreOptions) -> Made {
    let shown = |error: object_store::Error| {
        // What the client says may repeat what it was given.
        let values = options.given.iter().chain(&options.ambient).filter(|(_, value)| !value.is_empty());
        let text =
            values.fold(error.to_string(), |text, (name, value)| text.replace(value.as_str(), &format!("[{name}]")));
        refused(&format!("the bucket's options do not fit: {text}"))
    };
    let store = Arc::new(store.map_err(shown)?);
    Ok((store.clone(), store))
}

fn s3(url: &str, options: &StoreOptions) -> Made {
    let (keys, plain) = read::<AmazonS3ConfigKey>(options)?;
    // The store checks what arrived, part by part.
    let builder = AmazonS3Builder::new().with_checksum_algorithm(Checksum::SHA256);
    let builder = keys.into_iter().fold(builder, |builder, (key, value)| builder.with_config(key, value));
    made(builder.with_url(url).with_retry(retries()).with_allow_http(plain).build(), options)
}

fn gcs(url: &str, options: &StoreOptions) -> Made {
    let (keys, _) = read::<GoogleConfigKey>(options)?;
    let builder = GoogleCloudStorageBuilder::new();
    let builder = keys.into_iter().fold(builder, |builder, (key, value)| builder.with_config(key, value));
    made(builder.with_url(url).with_retry(retries()).build(), options)
}

fn azure(url: &str, options: &StoreOptions) -> Made {
    let (keys, plain) = read::<AzureConfigKey>(options)?;
    let builder = MicrosoftAzureBuilder::new();
    let builder = keys.into_iter().fold(builder, |builder, (key, value)| builder.with_config(key, value));
    made(builder.with_url(url).with_retry(retries()).with_allow_http(plain).build(), options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> StoreOptions {
        StoreOptions::default()
            .with("region", "eu-central-1")
            .with("access_key_id", "k")
            .with("secret_access_key", "hidden")
    }

    fn refusal(url: &str, options: &StoreOptions) -> String {
        Bucket::parse(url, options).unwrap().unwrap_err().to_string()
    }

    #[test]
    fn each_kind_of_store_is_made_from_its_url_and_options() {
        let bucket = Bucket::parse("s3://acme/privacy/packages", &options()).unwrap().unwrap();
        assert_eq!(format!("{bucket:?}"), r#"Bucket("s3://acme/privacy/packages")"#);
        assert_eq!(
            bucket.named("s3://acme/privacy/packages/pri_1.zip").unwrap().as_ref(),
            "privacy/packages/pri_1.zip"
        );
        assert_eq!(bucket.named("s3://acme/before/pri_1.zip").unwrap().as_ref(), "before/pri_1.zip");
        for elsewhere in ["s3://other/privacy/packages/pri_1.zip", "s3://acme2/pri_1.zip", "packages/pri_1.zip"] {
            assert!(bucket.named(elsewhere).is_err(), "{elsewhere}");
        }
        let azure = StoreOptions::default().with("azure_storage_account_name", "acme").with("access_key", "aGlkZGVu");
        assert_eq!(Bucket::parse("az://packages", &azure).unwrap().unwrap().label(), "az://packages");
        assert_eq!(Bucket::parse("gs://acme/x", &StoreOptions::default()).unwrap().unwrap().label(), "gs://acme/x");
        assert!(Bucket::parse("packages", &options()).is_none() && Bucket::parse("ftp://x", &options()).is_none());
    }

    #[test]
    fn what_does_not_fit_is_named_and_no_value_is_shown() {
        assert!(refusal("s3://", &options()).contains("names no bucket"));
        assert!(refusal("s3://user:secret@host/x", &options()).contains("names no bucket"));
        assert!(refusal("s3://b", &options().with("colour", "hidden")).contains("colour is no option"));
        let plain = options().with("endpoint", "http://minio.example:9000");
        assert!(refusal("s3://b", &plain).contains("endpoint: plain http is for loopback only"));
        let elsewhere = options().with("endpoint", "http://127.0.0.1:9000@evil.example/");
        assert!(refusal("s3://b", &elsewhere).contains("endpoint: plain http is for loopback only"));
        let key = StoreOptions::default().with("service_account_key", "\"hidden\"");
        let said = refusal("gs://b", &key);
        assert!(said.contains("options do not fit") && !said.contains("hidden"), "{said}");
        assert!(Bucket::parse("s3://b", &options().with("endpoint", "http://127.0.0.1:9000")).unwrap().is_ok());
        let ambient = options().with_environment([("AWS_PROFILE".to_owned(), "hidden".to_owned())]);
        assert!(Bucket::parse("s3://b", &ambient).unwrap().is_ok(), "what the store does not know is passed over");
        assert_eq!(format!("{:?}", options()), r#"{"access_key_id", "region", "secret_access_key"}"#);
    }
}
