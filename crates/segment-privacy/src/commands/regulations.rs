//! `regulations …`: our ledger beside Segment's, and the quota.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use jiff::{Timestamp, tz::TimeZone};
use privacy_engine::{QuotaUse, Sources};
use segment_core::{
    ConnectionKey, Ledger, LedgerFilter, QuotaCategory, RegulationEntry, RegulationId, RegulationQuery,
    RegulationScope, SegmentError, Service, pages, ports::RequestStore,
};

use crate::{
    cli::Regulations,
    compose,
    config::{Loaded, ResolvedConnection},
    error::{CliError, Exit, chain},
    output::{
        Output,
        shapes::{LedgerShape, QuotaShape, RegulationShape, RegulationsShape},
        tables,
    },
};

/// An entry can hold 5,000 ids.
const ENTRIES_A_PAGE: u16 = 25;

type AtSegment = BTreeMap<(ConnectionKey, RegulationId), RegulationEntry>;

/// `now` decides which month's quota is shown.
pub(crate) async fn run(loaded: &Loaded, args: Regulations, now: Timestamp, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    let (filter, one) = match args {
        Regulations::List { limit } => (LedgerFilter { limit: Some(limit), ..LedgerFilter::default() }, false),
        Regulations::Show { id } => (LedgerFilter { id: Some(id), ..LedgerFilter::default() }, true),
    };
    let ledgers = store.regulations(&filter).await?;
    let sources = usable(loaded, output);
    let at_segment = at_segment(&sources, output).await;
    let mut regulations: Vec<_> = ledgers.iter().map(|ledger| ours(ledger, &at_segment)).collect();
    if one && regulations.is_empty() {
        regulations = foreign(&store, &at_segment, &sources).await?;
        regulations.retain(|shape| shape.regulation.id == filter.id);
    }
    if one && regulations.is_empty() {
        return Err(CliError::new(
            Exit::NoSuchRequest,
            "no_such_regulation",
            "neither the ledger nor Segment knows this regulation",
        )
        .hint("Segment lists the last 90 days only"));
    }
    if !one {
        regulations.extend(foreign(&store, &at_segment, &sources).await?);
    }
    let quota = quota(loaded, &store, now).await?;
    let shape = RegulationsShape { regulations, quota };
    output.result(&shape, |_| tables::regulations(&shape))?;
    Ok(Exit::Done)
}

/// The connections that can be asked; the ledger is shown without the others.
fn usable(loaded: &Loaded, output: &Output) -> Vec<Sources> {
    let all = compose::each_source(loaded, None).unwrap_or_default();
    let told = |(one, sources): (&ResolvedConnection, Result<Sources, CliError>)| {
        sources
            .inspect_err(|error| output.say(&format!("warning: {} cannot be asked: {}", one.config.key, error.message)))
            .ok()
    };
    all.into_iter().filter_map(told).collect()
}

/// What Segment lists. A connection that cannot be asked is told, and the ledger is shown without it.
async fn at_segment(sources: &[Sources], output: &Output) -> AtSegment {
    let mut all = AtSegment::new();
    for one in sources {
        match list(one).await {
            Ok(entries) => all.extend(entries.into_iter().map(|entry| ((one.key.clone(), entry.id.clone()), entry))),
            Err(error) => output.say(&format!("warning: {} cannot be asked: {}", one.key, chain(&error))),
        }
    }
    all
}

async fn list(sources: &Sources) -> Result<Vec<RegulationEntry>, SegmentError> {
    let api = &sources.regulations;
    let fetch = |next| async move {
        let scope = RegulationScope::of_source(sources.source.as_deref());
        let query = RegulationQuery { scope, count: ENTRIES_A_PAGE, next, ..RegulationQuery::default() };
        api.list(&query).await.map(Some)
    };
    let mut entries = Vec::new();
    let mut stream = Box::pin(pages(Service::PublicApi, fetch));
    while let Some(page) = stream.try_next().await? {
        entries.extend(page.items);
    }
    Ok(entries)
}

fn ours(ledger: &Ledger, at_segment: &AtSegment) -> LedgerShape {
    let entry = ledger.regulation.as_ref().and_then(|id| at_segment.get(&(ledger.connection.clone(), id.clone())));
    LedgerShape {
        intent: Some(ledger.intent.to_string()),
        connection: ledger.connection.to_string(),
        state: Some(ledger.state.as_str().to_owned()),
        at_segment: entry.map(|entry| entry.status.as_str().to_owned()),
        created_at: Some(ledger.created_at),
        regulation: ledger.into(),
    }
}

/// Regulations at Segment that we did not order. The whole ledger is asked, however little of it is shown.
async fn foreign(
    store: &dyn RequestStore,
    at_segment: &AtSegment,
    sources: &[Sources],
) -> Result<Vec<LedgerShape>, CliError> {
    let source = |key: &ConnectionKey| sources.iter().find(|one| &one.key == key).and_then(|one| one.source.clone());
    let mut all = Vec::new();
    for ((connection, id), entry) in at_segment {
        if store.is_known(connection, id).await? {
            continue;
        }
        all.push(LedgerShape {
            intent: None,
            connection: connection.to_string(),
            state: None,
            at_segment: Some(entry.status.as_str().to_owned()),
            created_at: entry.created_at,
            regulation: RegulationShape {
                id: Some(id.to_string()),
                kind: entry.kind.as_ref().map_or_else(|| "?".to_owned(), |kind| kind.as_str().to_owned()),
                source: source(connection),
                status: entry.status.as_str().to_owned(),
                subjects: entry.subjects.as_ref().map_or(0, |subjects| subjects.len() as u64),
                destinations: Vec::new(),
            },
        });
    }
    Ok(all)
}

/// Both quotas of a connection, as our own ledger counts them.
pub(crate) async fn quotas(
    store: &dyn RequestStore,
    connection: &ResolvedConnection,
    now: Timestamp,
) -> Result<Vec<QuotaShape>, CliError> {
    let key = ConnectionKey::new(connection.config.key.clone());
    let categories = [
        (QuotaCategory::SegmentOnly, "segment_only"),
        (QuotaCategory::SegmentAndDestination, "segment_and_destination"),
    ];
    let mut all = Vec::new();
    for (category, name) in categories {
        let quota = QuotaUse::of(store, &key, category, connection.monthly_users, now).await?;
        all.push(QuotaShape {
            connection: key.to_string(),
            category: name.to_owned(),
            month: now.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m").to_string(),
            limit: quota.limit,
            reserve: quota.reserve,
            used: quota.used,
            waiting: quota.waiting,
            forecast: quota.forecast,
        });
    }
    Ok(all)
}

pub(crate) async fn quota(
    loaded: &Loaded,
    store: &dyn RequestStore,
    now: Timestamp,
) -> Result<Vec<QuotaShape>, CliError> {
    let mut all = Vec::new();
    for connection in &loaded.connections {
        all.extend(quotas(store, connection, now).await?);
    }
    Ok(all)
}
