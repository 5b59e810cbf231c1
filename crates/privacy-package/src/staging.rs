//! The staging area: one encrypted file per collection, in a folder that goes with its last holder.

mod area;
mod collection;
mod private;
mod seal;

pub(crate) use area::StagingArea;
pub(crate) use collection::{Sealed, StagedCollection};
pub(crate) use private::{PrivateDir, create_folder};
