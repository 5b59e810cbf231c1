//! The staging area: what is collected, encrypted, in memory while it is little, and then in a file for each collection, in a
//! folder that goes with its last holder.

mod area;
mod collection;
mod private;
mod seal;
mod spool;

pub(crate) use area::StagingArea;
pub(crate) use collection::{Sealed, StagedCollection};
pub(crate) use private::{PrivateFile, create_folder};
