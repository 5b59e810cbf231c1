//! `purge`: applies retention now. A worker does so by itself.

use privacy_engine::{ProgressSink, Purged};
use segment_core::{RequestId, ports::RequestStore};

use crate::{
    compose::{self, Need, World},
    config::Loaded,
    error::{CliError, Exit},
    output::{Output, shapes::PurgeShape, tables},
};

pub(crate) async fn run(loaded: &Loaded, dry_run: bool, forget: &[String], output: &Output) -> Result<Exit, CliError> {
    let (world, retention) = (World::default(), loaded.retention());
    let shape = if dry_run {
        let due = match compose::existing_store(loaded).await? {
            Some(store) => store.expired(&retention, world.clock.now(), u32::MAX).await?,
            None => Vec::new(),
        };
        let packages = due.iter().filter(|one| one.package.is_some()).count() as u64;
        let identities = due.iter().filter(|one| one.identities).count() as u64;
        PurgeShape::new(true, &Purged { packages, identities, ..Purged::default() })
    } else {
        let engine =
            compose::engine(loaded, Need::None, &world, loaded.policy.clone(), None, ProgressSink::default()).await?;
        for id in forget {
            forgotten(engine.store().as_ref(), &RequestId::new(id.as_str()), &world).await?;
        }
        if !forget.is_empty() {
            engine.store().sweep().await?;
        }
        let purged = if forget.is_empty() { engine.purge(&retention).await? } else { Purged::default() };
        PurgeShape { forgotten: forget.to_vec(), ..PurgeShape::new(false, &purged) }
    };
    output.result(&shape, |_| tables::purge(&shape))?;
    for failure in &shape.failures {
        output.say(&format!("warning: {} could not be purged: {}", failure.request, failure.message));
    }
    Ok(if shape.failures.is_empty() { Exit::Done } else { Exit::Unexpected })
}

async fn forgotten(store: &dyn RequestStore, id: &RequestId, world: &World) -> Result<(), CliError> {
    if store.forget(id, world.clock.now()).await? { Ok(()) } else { Err(compose::no_such_request(id.as_str())) }
}
