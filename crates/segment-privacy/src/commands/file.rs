//! `erase --from`: many people. Good rows are taken, bad ones are reported by their line.

use std::{io::Read, path::Path};

use privacy_engine::{Asked, Engine};
use segment_core::{
    Action, Identity, IdentityError, IdentityKind, IdentitySet, Intake, LedgerFilter, Pii, RequestFilter, RequestId,
    RequestStatus,
};

use super::{access, ask, drive, plan};
use crate::{
    cli::Erase,
    compose::Need,
    config::{Loaded, misspelt_kind},
    error::{CliError, Exit},
    output::{
        Output, ProgressLine,
        shapes::{FileShape, RejectedShape},
        tables,
    },
};

/// Rows that are recorded in one transaction.
const ROWS_AT_ONCE: usize = 10_000;
/// Rejected rows that are listed; all are counted.
const LISTED: usize = 1_000;

/// What a row says.
struct Row {
    identities: IdentitySet,
    external_id: Option<String>,
}

/// A file being read.
struct Rows {
    reader: csv::Reader<Box<dyn Read + Send>>,
    columns: Vec<Column>,
}

#[derive(Clone)]
enum Column {
    Identity(IdentityKind),
    ExternalId,
}

pub(crate) async fn run(loaded: &Loaded, args: &Erase, path: &Path, output: &Output) -> Result<Exit, CliError> {
    let mut rows = Rows::open(path)?;
    let mut shape = FileShape::default();
    if args.dry_run {
        let people: Vec<_> = rows.good(&mut shape)?.into_iter().map(|row| row.identities).collect();
        if people.is_empty() {
            return no_good_row(&shape, output);
        }
        return plan::show(loaded, args, &people, shape.rejected, output).await;
    }
    let line = ProgressLine::new(output.is_json());
    let engine = drive::engine(loaded, Need::of(args.ask.connection.as_deref()), None, &line).await?;
    let only = args.ask.connection.clone().map(segment_core::ConnectionKey::new);
    let connections = engine.connections_for(Action::Erasure, only.as_ref())?;
    access::tell_left_out(&engine, Action::Erasure, only.as_ref(), output);
    let whom = format!("everybody in {}", path.display());
    ask::confirm(&plan::question(loaded, &whom, &connections, args.ask.connection.as_deref()), args.yes, output)?;
    let ids = intake(&engine, args, &mut rows, &mut shape).await?;
    if ids.is_empty() {
        return no_good_row(&shape, output);
    }
    let driven = if args.wait.no_wait {
        None
    } else {
        Some(drive::drive(&engine, ids.clone(), drive::until(&args.wait), args.wait.timeout).await?)
    };
    line.done();
    let statuses = statuses(&engine, &ids).await?;
    for status in &statuses {
        *shape.requests.entry(status.as_str().to_owned()).or_default() += 1;
    }
    shape.regulations = regulations(&engine, &ids).await?;
    // Conflicts are found when rows are recorded, later than what is wrong with a row by itself.
    shape.rejected.sort_by_key(|rejected| rejected.line);
    output.result(&shape, |output| tables::file(&shape, output))?;
    if driven == Some(drive::Driven::Interrupted) {
        output.say("interrupted; the same command goes on");
        return Ok(Exit::Interrupted);
    }
    if driven.is_none() {
        return Ok(Exit::Done);
    }
    Ok(Exit::worst(statuses.into_iter().map(|status| Exit::of(status, args.wait.wait))))
}

fn no_good_row(shape: &FileShape, output: &Output) -> Result<Exit, CliError> {
    output.result(shape, |output| tables::file(shape, output))?;
    Err(CliError::usage("no_good_row", "the file holds no row that can be taken; nothing was recorded"))
}

async fn intake(
    engine: &Engine,
    args: &Erase,
    rows: &mut Rows,
    shape: &mut FileShape,
) -> Result<Vec<RequestId>, CliError> {
    let mut ids = Vec::new();
    loop {
        let chunk = rows.chunk(shape, ROWS_AT_ONCE)?;
        let Some(chunk) = chunk else { return Ok(ids) };
        let (lines, asked): (Vec<_>, Vec<_>) = chunk
            .into_iter()
            .map(|(line, row)| asked(args, row).map(|asked| (line, asked)))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .unzip();
        for (line, taken) in lines.into_iter().zip(engine.intake(asked).await?) {
            match &taken.intake {
                Intake::ExternalIdConflict(other) => {
                    let message = format!("its external_id belongs to {other}, which asks for something else");
                    reject(shape, line, "external_id_conflict", message);
                    continue;
                }
                Intake::Linked(_) => shape.linked += 1,
                _ => shape.accepted += 1,
            }
            ids.push(taken.id().clone());
        }
    }
}

fn asked(args: &Erase, row: Row) -> Result<Asked, CliError> {
    let batch = args.batch.as_ref().map(|batch| format!("{batch}:{}", row.identities.comparison_key().expose()));
    let mut asked = access::asked(Action::Erasure, row.identities, &args.ask)?;
    asked.external_id = row.external_id.or(batch).map(Pii::new).or(asked.external_id);
    Ok(asked)
}

fn reject(shape: &mut FileShape, line: u64, code: &str, message: String) {
    shape.rejected_total += 1;
    if shape.rejected.len() < LISTED {
        shape.rejected.push(RejectedShape { line, code: code.to_owned(), message });
    }
}

impl Rows {
    fn open(path: &Path) -> Result<Self, CliError> {
        if path.is_dir() {
            return Err(CliError::usage("file_missing", format!("{} is a folder, not a file", path.display())));
        }
        let source: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(std::fs::File::open(path).map_err(|error| {
                CliError::usage("file_missing", format!("{} cannot be read: {error}", path.display()))
            })?)
        };
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::Headers).from_reader(source);
        let header = reader.byte_headers().map_err(|_| unreadable())?.clone();
        let columns = (1..).zip(&header).map(|(at, name)| column(at, name)).collect::<Result<Vec<_>, _>>()?;
        if !columns.iter().any(|column| matches!(column, Column::Identity(_))) {
            return Err(CliError::usage("no_identity_column", "the first line of the file names no identity kind")
                .hint("the first line names the columns: email, phone_number, user_id, anonymous_id, …; external_id is optional"));
        }
        Ok(Self { reader, columns })
    }

    /// Every good row, for a plan.
    fn good(&mut self, shape: &mut FileShape) -> Result<Vec<Row>, CliError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk(shape, ROWS_AT_ONCE)? {
            all.extend(chunk.into_iter().map(|(_, row)| row));
        }
        Ok(all)
    }

    /// The next good rows with their lines; `None` at the end of the file.
    fn chunk(&mut self, shape: &mut FileShape, most: usize) -> Result<Option<Vec<(u64, Row)>>, CliError> {
        let mut rows = Vec::new();
        let mut record = csv::ByteRecord::new();
        let mut any = false;
        while rows.len() < most {
            match self.reader.read_byte_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(_) => return Err(unreadable()),
            }
            any = true;
            let line = record.position().map_or(0, csv::Position::line);
            match self.row(&record) {
                Ok(row) => rows.push((line, row)),
                Err((code, message)) => reject(shape, line, code, message),
            }
        }
        Ok(any.then_some(rows))
    }

    fn row(&self, record: &csv::ByteRecord) -> Result<Row, (&'static str, String)> {
        if record.len() > self.columns.len() {
            let message =
                format!("the row has {} values, the first line names {} columns", record.len(), self.columns.len());
            return Err(("too_many_values", message));
        }
        let mut identities = Vec::new();
        let mut external_id = None;
        for (column, value) in self.columns.iter().zip(record) {
            let value = std::str::from_utf8(value).map_err(|_| ("not_utf8", "the row is not UTF-8".to_owned()))?.trim();
            match column {
                _ if value.is_empty() => {}
                _ if value.contains(['\n', '\r']) => {
                    let message = "a value goes over several lines; a quotation mark is probably not closed";
                    return Err(("several_lines", message.to_owned()));
                }
                Column::Identity(kind) => {
                    identities.push(
                        Identity::new(kind.clone(), value).map_err(|error| ("identity_refused", error.to_string()))?,
                    );
                }
                Column::ExternalId => external_id = Some(value.to_owned()),
            }
        }
        let identities =
            IdentitySet::new(identities).map_err(|error: IdentityError| ("no_identity", error.to_string()))?;
        Ok(Row { identities, external_id })
    }
}

fn column(at: usize, name: &[u8]) -> Result<Column, CliError> {
    // Spreadsheets begin their files with a byte order mark.
    let name = String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned();
    if name == "external_id" {
        return Ok(Column::ExternalId);
    }
    if let Some(near) = misspelt_kind(&name) {
        return Err(CliError::usage("unknown_column", format!("the column {name} is not known, did you mean {near}?")));
    }
    IdentityKind::parse(&name).map(Column::Identity).map_err(|_| {
        // A file without a header begins with somebody's address: it is not repeated.
        let message = format!("column {at} of the first line is not an identity kind; is the header missing?");
        CliError::usage("unknown_column", message).hint(
            "the first line names the columns: email, phone_number, user_id, anonymous_id, …; external_id is optional",
        )
    })
}

fn unreadable() -> CliError {
    CliError::usage("file_unreadable", "the file is not CSV, or could not be read to its end")
}

async fn statuses(engine: &Engine, ids: &[RequestId]) -> Result<Vec<RequestStatus>, CliError> {
    let filter = RequestFilter { ids: ids.to_vec(), ..RequestFilter::default() };
    Ok(engine.store().requests(&filter).await?.into_iter().map(|summary| summary.status).collect())
}

/// How many regulations at Segment these requests are part of.
async fn regulations(engine: &Engine, ids: &[RequestId]) -> Result<u64, CliError> {
    let filter = LedgerFilter { requests: ids.to_vec(), ..LedgerFilter::default() };
    let ledgers = engine.store().regulations(&filter).await?;
    Ok(ledgers.iter().filter(|ledger| ledger.regulation.is_some()).count() as u64)
}
