use segment_core::{
    ErrorKind, Page, RegulationEntry,
    ports::{MockRegulationSubmit, MockRegulations, MockRequestStore},
};

use super::*;
use crate::submit::tests::{engine, ledger};

fn entry(number: usize, status: RegulationStatus) -> RegulationEntry {
    let id = RegulationId::new(format!("reg-{number}"));
    RegulationEntry { id, kind: None, status, subjects: None, created_at: None }
}

/// Looks at so many regulations; of how many a list told something.
async fn told(regulations: MockRegulations, many: usize) -> usize {
    let engine = engine(MockRequestStore::new(), regulations, MockRegulationSubmit::new());
    let (connection, ledger) = (engine.connections().next().unwrap(), ledger(1).item);
    let mut told = 0;
    for number in 0..many {
        let report = engine.glance(connection, &ledger, &RegulationId::new(format!("reg-{number}"))).await;
        told += usize::from(report.is_some_and(|report| !report.status.is_terminal()));
    }
    told
}

#[tokio::test]
async fn a_few_are_asked_for_one_by_one() {
    assert_eq!(told(MockRegulations::new(), MANY).await, 0);
}

#[tokio::test]
async fn of_many_a_list_tells_which_are_at_work() {
    let mut regulations = MockRegulations::new();
    // One of them has ended since, and one is in a status that is not asked for.
    regulations.expect_list().times(2).returning(|query| {
        let running = query.status == Some(RegulationStatus::Running);
        let of = if running { 10..20 } else { 20..25 };
        let mut items: Vec<_> = of.map(|number| entry(number, query.status.clone().unwrap())).collect();
        items.push(entry(26, RegulationStatus::Finished));
        Ok(Page::only(items))
    });
    assert_eq!(told(regulations, 27).await, 15, "the first ten came before the list, two are not in it");
}

#[tokio::test]
async fn without_a_list_each_is_asked_for() {
    let mut regulations = MockRegulations::new();
    regulations.expect_list().returning(|_| Err(SegmentError::new(Service::PublicApi, ErrorKind::Misuse)));
    assert_eq!(told(regulations, 15).await, 0);
}

#[tokio::test]
async fn a_list_is_not_believed_for_ever() {
    let mut regulations = MockRegulations::new();
    regulations.expect_list().returning(|query| {
        let status = query.status.clone().unwrap();
        Ok(Page::only((0..=MANY).map(|number| entry(number, status.clone())).collect()))
    });
    let engine = engine(MockRequestStore::new(), regulations, MockRegulationSubmit::new());
    let (connection, ledger) = (engine.connections().next().unwrap(), ledger(1).item);
    let last = RegulationId::new(format!("reg-{MANY}"));
    for number in 0..MANY {
        engine.glance(connection, &ledger, &RegulationId::new(format!("reg-{number}"))).await;
    }
    let mut told = Vec::new();
    for _ in 0..8 {
        told.push(engine.glance(connection, &ledger, &last).await.is_some());
    }
    assert_eq!(told, [true, true, true, false, true, true, true, false]);
}
