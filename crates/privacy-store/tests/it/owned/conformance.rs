//! The suite of the port, on SQLite.

use privacy_store::owned::OwnedDirectory;
use segment_core::testing::conformance::directory::ROWS;

use super::{World, customer};

/// The directory, and the database that it reads.
struct Filled {
    directory: OwnedDirectory,
    _world: World,
}

impl std::ops::Deref for Filled {
    type Target = OwnedDirectory;

    fn deref(&self) -> &OwnedDirectory {
        &self.directory
    }
}

async fn fresh() -> Filled {
    let world = World::sqlite();
    let rows = ROWS.map(|(address, user_id)| format!("('{address}', '{user_id}')")).join(", ");
    world
        .run(&format!(
            "CREATE TABLE customer (email TEXT, id TEXT); CREATE INDEX by_email ON customer (email); \
             INSERT INTO customer VALUES {rows}"
        ))
        .await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    Filled { directory, _world: world }
}

segment_core::subject_directory_conformance!(fresh);
