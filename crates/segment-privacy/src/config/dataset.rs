//! The datasets of a configuration, and how their rows are masked.

use std::{collections::BTreeMap, path::Path};

use privacy_dataset::{Dataset, MaskedFields, MaskingPolicy, MaskingStrategy};

use super::{
    ConfigFile,
    model::{DatasetConfig, Masking},
    resolved::invalid,
};
use crate::error::{CliError, chain};

/// A dataset whose YAML is read.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedDataset {
    pub(crate) config: DatasetConfig,
    pub(crate) datasets: Vec<Dataset>,
    /// Whether erasures mask rows in it.
    pub(crate) masks: bool,
}

const DEFAULT: &str = "default";

/// `[execution.masking]`.
pub(super) fn masking(configured: &BTreeMap<String, Masking>) -> Result<MaskingPolicy, CliError> {
    let mut strategies = BTreeMap::new();
    for (category, masking) in configured {
        let configuration = serde_json::to_value(&masking.configuration).unwrap_or_default();
        let strategy = MaskingStrategy::parse(&masking.strategy, &configuration)
            .map_err(|error| invalid(format!("execution.masking of \"{category}\": {}", chain(&error))))?;
        let names = category.split('.');
        if names.clone().any(str::is_empty) {
            return Err(invalid(format!("execution.masking of \"{category}\": that is no data category"))
                .hint("write `default`, or a category such as \"user.contact.email\""));
        }
        strategies.insert(category.clone(), strategy);
    }
    let default = strategies.remove(DEFAULT).unwrap_or_default();
    Ok(MaskingPolicy::new(default, strategies))
}

/// Every dataset, read and checked beside the others.
pub(super) fn datasets(
    file: &ConfigFile,
    base: &Path,
    masking: &MaskingPolicy,
) -> Result<Vec<ResolvedDataset>, CliError> {
    let all = file.datasets.iter().map(|config| dataset(config, base)).collect::<Result<Vec<_>, _>>()?;
    let together: Vec<_> = all.iter().flat_map(|one| one.datasets.iter().cloned()).collect();
    for (at, one) in together.iter().enumerate() {
        if together[..at].iter().any(|other| other.fides_key == one.fides_key) {
            return Err(invalid(format!("the dataset {} stands in two files of [[datasets]]", one.fides_key))
                .hint("a `fides_key` names one dataset: rename it in one of the files"));
        }
    }
    for (of, dataset) in all.iter().filter(|of| of.masks).flat_map(|of| of.datasets.iter().map(move |one| (of, one))) {
        for collection in &dataset.collections {
            MaskedFields::new(&together, &dataset.fides_key, &collection.name, masking, &[]).map_err(|error| {
                CliError::usage("dataset_invalid", format!("{}: {}", of.config.file, chain(&error)))
            })?;
        }
    }
    Ok(all)
}

fn dataset(config: &DatasetConfig, base: &Path) -> Result<ResolvedDataset, CliError> {
    let masks = match config.access.as_str() {
        "read" => false,
        "write" => true,
        other => return Err(invalid(format!("access = \"{other}\" of dataset {} is not read or write", config.key))),
    };
    let text = std::fs::read_to_string(base.join(&config.file)).map_err(|error| {
        invalid(format!("the file {} of dataset {} cannot be read: {error}", config.file, config.key))
    })?;
    let datasets = Dataset::parse_all(&text)
        .map_err(|error| CliError::usage("dataset_invalid", format!("{}: {}", config.file, chain(&error))))?;
    Ok(ResolvedDataset { config: config.clone(), datasets, masks })
}
