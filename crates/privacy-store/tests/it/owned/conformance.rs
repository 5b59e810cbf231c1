//! The suite of the port, on every database.

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

async fn filled(world: World) -> Filled {
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

mod sqlite {
    use super::{Filled, World, filled};

    async fn fresh() -> Filled {
        filled(World::sqlite()).await
    }

    segment_core::subject_directory_conformance!(fresh);
}

mod postgres {
    use super::{Filled, World, filled};

    async fn fresh() -> Option<Filled> {
        Some(filled(World::postgres().await?).await)
    }

    segment_core::subject_directory_conformance!(optional fresh);
}

mod mysql {
    use super::{Filled, World, filled};

    async fn fresh() -> Option<Filled> {
        Some(filled(World::mysql().await?).await)
    }

    segment_core::subject_directory_conformance!(optional fresh);
}
