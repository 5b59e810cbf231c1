//! `segment-mock`: Segment on loopback for rehearsals, until Ctrl-C.

mod cli;
mod output;
mod stop;

use std::process::ExitCode;

use clap::Parser;
use segment_mock::MockSegment;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            output::problem(&reason);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &cli::Arguments) -> std::io::Result<()> {
    let mock = MockSegment::start(arguments.config())?;
    Builder::new_current_thread().enable_io().build()?.block_on(async {
        // Listening for signals before anything is printed: who has read the address may stop the mock at once.
        let mut stop = stop::Stop::listen()?;
        output::greeting(&mock);
        stop.received().await;
        Ok(())
    })
}
