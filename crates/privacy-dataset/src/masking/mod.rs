//! Masking: what a value becomes that must go while its row stays. Names, parameters, defaults and results are Fides'.

mod aes;
mod digest;
mod error;
mod fields;
mod fit;
mod parameters;
mod policy;
mod random;
mod secrets;
mod strategy;
#[cfg(test)]
mod tests;

pub use error::StrategyError;
pub use fields::{MaskedField, MaskedFieldError, MaskedFields};
pub use policy::MaskingPolicy;
pub use secrets::MaskingSecrets;
pub use strategy::{Masked, MaskingStrategy};
