//! Requests that arrive at the same time are recorded together: a database that makes each call durable by itself takes a few
//! hundred a second, and thousands together.

use std::sync::{Mutex, PoisonError};

use privacy_engine::{Asked, Engine, EngineError, Taken};
use tokio::sync::oneshot;

type Answers = Vec<Taken>;

/// Requests that one statement is about, at most.
const AT_ONCE: usize = 500;

/// Who waits, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    asked: Vec<Asked>,
    /// `None`: it could not be recorded with the others.
    answer: oneshot::Sender<Option<Answers>>,
}

impl Gathering {
    /// Records what is asked, as [`Engine::intake`] does: alone, or with what others ask meanwhile.
    pub(crate) async fn intake(&self, engine: &Engine, asked: Vec<Asked>) -> Result<Answers, EngineError> {
        // What is taken all or none is a call of its own.
        if asked.iter().any(|one| one.all_or_none) {
            return engine.intake(asked).await;
        }
        let (answer, mut mine) = oneshot::channel();
        self.all().push(Waiting { asked: asked.clone(), answer });
        let turn = self.turn.lock().await;
        // Whoever had the turn before may have recorded it.
        if mine.is_empty() && !mine.is_terminated() {
            self.record(engine).await;
        }
        drop(turn);
        match mine.try_recv() {
            Ok(Some(answers)) => Ok(answers),
            // Something in the whole was refused: by itself it says what.
            _ => engine.intake(asked).await,
        }
    }

    async fn record(&self, engine: &Engine) {
        let mut chosen = Vec::new();
        {
            let mut waiting = self.all();
            let mut requests = 0;
            let mut fits = |one: &Waiting| {
                requests += one.asked.len();
                requests <= AT_ONCE
            };
            let many = waiting.iter().map_while(|one| fits(one).then_some(())).count().max(1).min(waiting.len());
            chosen.extend(waiting.drain(..many));
        }
        let all: Vec<_> = chosen.iter().flat_map(|one| one.asked.clone()).collect();
        let mut answers = engine.intake(all).await.ok().map(Vec::into_iter);
        for one in chosen {
            let its = answers.as_mut().map(|answers| answers.by_ref().take(one.asked.len()).collect());
            // Whoever has left does not want to know.
            let _ = one.answer.send(its);
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
