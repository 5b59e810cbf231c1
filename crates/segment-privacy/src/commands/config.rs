//! `config show` and `config schema`.

use std::path::Path;

use crate::{
    cli::Config,
    config::{ConfigFile, load},
    error::{CliError, Exit},
    output::Output,
};

pub(crate) fn run(args: &Config, path: &Path, output: &Output) -> Result<Exit, CliError> {
    match args {
        Config::Show => {
            let loaded = load(path)?;
            let text = toml::to_string_pretty(&loaded.file)
                .map_err(|error| CliError::unexpected("cannot show the configuration", &error))?;
            output.result(&loaded.file, |_| text.trim_end().to_owned())?;
        }
        Config::Schema => {
            let schema = schemars::schema_for!(ConfigFile);
            output.raw(
                &serde_json::to_string_pretty(&schema).map_err(|error| CliError::unexpected("cannot print", &error))?,
            );
        }
    }
    Ok(Exit::Done)
}
