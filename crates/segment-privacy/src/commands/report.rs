//! `report`: how many requests there were, how they ended and how long that took.

use jiff::{civil::Date, tz::Offset};
use privacy_engine::report;
use segment_core::{TallyFilter, ports::RequestStore};

use crate::{
    cli::Report,
    compose::{self, World},
    config::Loaded,
    error::{CliError, Exit},
    output::{Output, shapes::ReportShape},
};

pub(crate) async fn run(loaded: &Loaded, args: &Report, output: &Output) -> Result<Exit, CliError> {
    let start = |day: Date| {
        let start = Offset::UTC.to_timestamp(day.at(0, 0, 0, 0));
        start.map_err(|_| CliError::usage("invalid_day", format!("{day} is no day of the calendar")))
    };
    let (from, to) = (args.from.map(start).transpose()?, args.to.map(start).transpose()?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(CliError::usage("invalid_day", "--from must be a day before --to"));
    }
    let filter = TallyFilter { from, to, at: World::default().clock.now() };
    let rows = report(&compose::store(loaded).await?.tally(&filter).await?);
    let shape = ReportShape::new(args.from, args.to, rows);
    if args.csv {
        output.raw(&shape.csv());
    } else {
        output.result(&shape, |_| shape.table())?;
    }
    Ok(Exit::Done)
}
