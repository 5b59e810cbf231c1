//! A person's rows in the owned databases, on real databases: copied, and masked.

mod copying;
mod crossing;
mod describing;
mod holes;
mod masking;
mod recognising;
mod refusals;
mod sharing;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use privacy_dataset::{Dataset, Masked, MaskingPolicy, MaskingSecrets, MaskingStrategy};
use privacy_store::owned::{OwnedDatabases, OwnedOptions, OwnedRows};
use segment_core::{
    Action, ConnectionKey, DatasetRows, Identity, IdentityKind, IdentitySet, MaskOrder, MaskReport, MaskingKey,
    NewPackage, Pii, RequestId, RowTrace, StagingKey, Subject,
    ports::{Begun, DirectoryError, Masking, PackageSink, SubjectMasker, SubjectRows},
    testing::{CountingRandom, MemoryPackage, MemorySink},
};
use serde_json::Value;

use super::{World, on_all, shop};

/// Fields with everything that a person has in a shop. `{}` stands for the dataset's key.
pub(super) const SHOP: &str = "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - { name: name, data_categories: [user.name] }
          - { name: plan, data_categories: [system.operations] }
          - { name: segment_id }
      - name: orders
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - name: customer_id
            fides_meta: { references: [{ dataset: shop, field: customer.id, direction: from }] }
          - { name: note, data_categories: [user] }
";

/// A city and an age in a document.
pub(super) const DOCUMENTS: &str = "
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: doc, fields: [{ name: city, data_categories: [user.contact] }, { name: age }] }
";

/// By the address, and by two user ids.
pub(super) const TWO_WAYS: &str = "
      - name: customer
        fields:
          - { name: email, fides_meta: { identity: email } }
          - { name: segment_id, fides_meta: { identity: user_id } }
          - { name: name }
";

/// Two customers with orders.
pub(super) async fn fill(world: &World) {
    world
        .run(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, name TEXT, plan TEXT, segment_id TEXT);
             CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, note TEXT);
             CREATE INDEX by_email ON customer (email);
             CREATE INDEX by_customer ON orders (customer_id);
             INSERT INTO customer VALUES (1, 'ann@example.com', 'Ann', 'pro', 'u1'), (2, 'ben@example.com', 'Ben', 'pro', 'u2');
             INSERT INTO orders VALUES (10, 1, 'ring twice'), (11, 1, NULL), (12, 2, 'back door')",
        )
        .await;
}

/// Databases with the same settings.
pub(super) struct Databases(OwnedDatabases);

impl Databases {
    pub(super) fn new() -> Self {
        Self::with(MaskingPolicy::default())
    }

    pub(super) fn with(policy: MaskingPolicy) -> Self {
        Self(OwnedDatabases::new(policy))
    }

    /// One that is masked.
    pub(super) fn add(self, world: &World, key: &str, yaml: &str) -> Self {
        self.add_with(world, key, yaml, OwnedOptions::default())
    }

    pub(super) fn add_with(mut self, world: &World, key: &str, yaml: &str, options: OwnedOptions) -> Self {
        self.0.connect(&world.url().into(), key, Dataset::parse_all(yaml).unwrap(), true, options).unwrap();
        self
    }

    /// Where the user ids of the connection `segment` are.
    pub(super) fn user_ids_in(mut self, field: &str) -> Self {
        self.0.keep_user_ids(ConnectionKey::new("segment"), field.parse().unwrap());
        self
    }

    pub(super) fn rows(self) -> OwnedRows {
        OwnedRows::new(Arc::new(self.0), Arc::new(CountingRandom::default()))
    }
}

/// The rows of a dataset `shop` with these collections.
pub(super) fn rows_of(world: &World, collections: &str) -> OwnedRows {
    Databases::new().add(world, "shop", &shop(collections)).rows()
}

pub(super) fn policy(default: &str, by_category: &[(&str, &str, Value)]) -> MaskingPolicy {
    let strategy = |name: &str, configuration: &Value| MaskingStrategy::parse(name, configuration).unwrap();
    let by_category = by_category.iter().map(|(category, name, with)| ((*category).to_owned(), strategy(name, with)));
    MaskingPolicy::new(strategy(default, &Value::Null), by_category.collect())
}

pub(super) fn email(address: &str) -> Subject {
    by(IdentityKind::Email, address)
}

pub(super) fn by(kind: IdentityKind, value: &str) -> Subject {
    let identities = IdentitySet::new([Identity::new(kind, value).unwrap()]).unwrap();
    Subject { identities, user_ids: BTreeMap::new() }
}

/// The same person, with user ids that were found for the connection `segment`.
pub(super) fn knowing(subject: Subject, user_ids: &[&str]) -> Subject {
    let ids = user_ids.iter().map(|id| Pii::from(*id)).collect();
    Subject { user_ids: [(ConnectionKey::new("segment"), ids)].into(), ..subject }
}

/// What a package gets of the dataset `shop`, and what was said of it.
pub(super) async fn copied(rows: &OwnedRows, subject: &Subject) -> (MemoryPackage, Vec<DatasetRows>) {
    copied_of(rows, subject, &["shop"]).await
}

/// The same of these databases.
pub(super) async fn copied_of(
    rows: &OwnedRows,
    subject: &Subject,
    databases: &[&str],
) -> (MemoryPackage, Vec<DatasetRows>) {
    let (sink, request) = (MemorySink::new(), RequestId::new("pri_1"));
    let new = NewPackage {
        request: request.clone(),
        action: Action::Access,
        identities: IdentitySet::new([Identity::new(IdentityKind::UserId, "u-ann").unwrap()]).unwrap(),
        received_at: Timestamp::UNIX_EPOCH,
        created_at: Timestamp::UNIX_EPOCH,
        staging_key: StagingKey::new([1; 32]),
        recipient: None,
        tables: BTreeSet::new(),
    };
    let writer = sink.begin(new).await.unwrap();
    let wanted = databases.iter().map(|key| ConnectionKey::new(*key)).collect();
    let said = rows.copy(subject, &wanted, writer.as_ref()).await.unwrap();
    writer.finish().await.unwrap();
    (sink.package(&request).unwrap(), said)
}

/// The records of a collection of the dataset `shop`.
pub(super) fn records(package: &MemoryPackage, collection: &str) -> Vec<Value> {
    let records = package.records.get(&("shop".to_owned(), collection.to_owned()));
    let mut all: Vec<_> = records.unwrap().iter().map(|record| record.expose().clone()).collect();
    all.sort_by_key(ToString::to_string);
    all
}

pub(super) fn order(dataset: &str, subject: &Subject) -> MaskOrder {
    MaskOrder {
        dataset: ConnectionKey::new(dataset),
        subject: subject.clone(),
        trace: RowTrace::default(),
        key: MaskingKey::new([7; 32]),
    }
}

pub(super) async fn open(rows: &OwnedRows, order: &MaskOrder) -> Result<Box<dyn Masking>, DirectoryError> {
    match rows.begin(order).await? {
        Begun::Open(masking) => Ok(masking),
        other => panic!("{other:?}"),
    }
}

/// Masks in the dataset `shop`, and commits.
pub(super) async fn mask(rows: &OwnedRows, subject: &Subject) -> Result<MaskReport, DirectoryError> {
    let masking = open(rows, &order("shop", subject)).await?;
    let report = masking.report().clone();
    masking.commit().await?;
    Ok(report)
}

/// What hmac makes of a value under the key of [`order`].
pub(super) fn hmac(value: &str) -> String {
    let strategy = MaskingStrategy::default();
    let Masked::Text(masked) = strategy.mask(value, None, &MaskingSecrets::from_key(&[7; 32]), &mut |_| {}) else {
        panic!("hmac makes a text")
    };
    masked
}

/// The collections and how many rows of each.
pub(super) fn counts(report: &MaskReport) -> Vec<(&str, u64)> {
    report.collections.iter().map(|(name, rows)| (name.as_str(), *rows)).collect()
}

/// The sentence of an error, with its causes.
pub(super) fn sentence(error: &DirectoryError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
