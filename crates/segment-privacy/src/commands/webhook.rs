//! `webhook …`: who is told of changes.

use segment_core::{Delivery, ports::Outbox};
use serde_json::{Value, json};

use crate::{
    cli::Webhook,
    compose::{self, World},
    config::{Loaded, server},
    error::{CliError, Exit},
    output::{Output, tables},
};

pub(crate) async fn run(loaded: &Loaded, args: Webhook, output: &Output) -> Result<Exit, CliError> {
    match args {
        Webhook::Log { webhook, limit } => log(loaded, webhook.as_deref(), limit, output).await,
        Webhook::Test { key } => test(loaded, &key, output).await,
    }
}

async fn log(loaded: &Loaded, webhook: Option<&str>, limit: u32, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    let all: Vec<_> = store.deliveries(webhook, limit).await?.iter().map(shape).collect();
    output.result(&json!({"deliveries": all}), |_| tables::deliveries(&all))?;
    Ok(Exit::Done)
}

fn shape(delivery: &Delivery) -> Value {
    let state = match (delivery.delivered_at, delivery.next_at) {
        (Some(_), _) => "delivered",
        (None, Some(_)) => "waiting",
        (None, None) => "given_up",
    };
    json!({
        "id": delivery.id,
        "webhook": delivery.webhook,
        "request": delivery.request.as_str(),
        "status": delivery.status.as_str(),
        "at": delivery.at,
        "state": state,
        "attempts": delivery.attempts,
        "delivered_at": delivery.delivered_at,
        "next_at": delivery.next_at,
        "answer": delivery.answer,
    })
}

async fn test(loaded: &Loaded, key: &str, output: &Output) -> Result<Exit, CliError> {
    let all = server::webhooks(loaded)?;
    let receiver = all.iter().find(|one| one.key() == key).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(privacy_service::Webhook::key).collect();
        CliError::usage("no_webhook", format!("there is no webhook {key}"))
            .hint(format!("[[webhooks]] has: {}", known.join(", ")))
    })?;
    let world = World::default();
    let mut number = [0; 16];
    world.random.fill(&mut number);
    let id = format!("msg_{:032x}", u128::from_le_bytes(number));
    let answer = receiver.test(&id, world.clock.now()).await;
    let (status, problem) = match answer {
        Ok(status) => (Some(status), None),
        Err(problem) => (None, Some(problem)),
    };
    let taken = status.is_some_and(|status| (200..300).contains(&status));
    let said = status.map_or_else(|| problem.clone().unwrap_or_default(), |status| format!("it answered {status}"));
    let shape = json!({"webhook": key, "id": id, "taken": taken, "status": status, "problem": problem});
    output.result(&shape, |_| format!("{key}: {said}"))?;
    Ok(if taken { Exit::Done } else { Exit::CheckFailed })
}
