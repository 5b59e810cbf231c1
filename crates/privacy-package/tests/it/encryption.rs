//! Packages for a recipient: only they read them, and a failure leaves none.

use std::io::{Cursor, Read};

use age::secrecy::SecretString;
use segment_core::ports::{PackageError, PackageSink};
use segment_core::{NewPackage, Pii, Recipient};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{World, package, records, world};

async fn encrypted(world: &World, recipient: Recipient) -> Vec<u8> {
    let new = NewPackage { recipient: Some(recipient), ..package("pri_1") };
    let writer = world.sink.begin(new).await.unwrap();
    let values = (0..20_000).map(|n| json!({"id": n, "name": "Ann"}));
    writer.append("shop", "customer", records(values)).await.unwrap();
    let receipt = writer.finish().await.unwrap();
    assert_eq!(receipt.location, "packages/pri_1.zip.age");
    assert_eq!(world.entries(), ["pri_1.zip.age"]);
    let stored = std::fs::read(world.base.path().join(&receipt.location)).unwrap();
    assert_eq!((receipt.bytes, receipt.sha256), (stored.len() as u64, hex::encode(Sha256::digest(&stored))));
    assert!(stored.starts_with(b"age-encryption.org/v1\n"));
    stored
}

fn decrypted(stored: &[u8], identity: &dyn age::Identity) -> Result<Vec<u8>, String> {
    let decryptor = age::Decryptor::new(stored).map_err(|error| error.to_string())?;
    let mut plain = Vec::new();
    decryptor.decrypt([identity].into_iter()).map_err(|error| error.to_string())?.read_to_end(&mut plain).unwrap();
    Ok(plain)
}

#[tokio::test]
async fn whoever_has_the_key_reads_it_and_nobody_else() {
    let (world, identity) = (world(), age::x25519::Identity::generate());
    let key = Recipient::PublicKey(Pii::new(identity.to_public().to_string()));
    let stored = encrypted(&world, key).await;
    let plain = decrypted(&stored, &identity).unwrap();
    let checked = privacy_package::verify_package(Cursor::new(plain)).unwrap();
    assert_eq!((checked.request_id.as_str(), checked.files), ("pri_1", 43));
    assert!(decrypted(&stored, &age::x25519::Identity::generate()).is_err());
}

#[tokio::test]
async fn a_passphrase_opens_it() {
    let world = world();
    let stored = encrypted(&world, Recipient::Passphrase(Pii::from("correct horse battery"))).await;
    let opens = |phrase: &str| {
        let mut identity = age::scrypt::Identity::new(SecretString::from(phrase.to_owned()));
        identity.set_max_work_factor(30);
        decrypted(&stored, &identity)
    };
    assert!(opens("correct horse battery").is_ok() && opens("wrong").is_err());
}

#[tokio::test]
async fn whom_it_cannot_be_encrypted_for_gets_nothing_and_nothing_is_left() {
    let world = world();
    let new = NewPackage { recipient: Some(Recipient::PublicKey(Pii::from("age1nobody"))), ..package("pri_1") };
    let error = world.sink.begin(new).await.unwrap_err();
    assert!(matches!(error, PackageError::Recipient(_)), "{error}");
    assert!(world.entries().is_empty());
}

#[tokio::test]
async fn both_names_of_a_package_are_known_and_removed() {
    let world = world();
    let id = segment_core::RequestId::new("pri_1");
    assert_eq!(world.sink.locations(&id), ["packages/pri_1.zip", "packages/pri_1.zip.age"]);
    encrypted(&world, Recipient::Passphrase(Pii::from("x"))).await;
    for location in world.sink.locations(&id) {
        world.sink.remove(&location).await.unwrap();
    }
    assert!(world.entries().is_empty());
}
