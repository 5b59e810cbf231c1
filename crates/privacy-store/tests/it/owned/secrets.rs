//! Nothing of the URL and nothing of a person shows.

use privacy_dataset::Dataset;
use privacy_store::owned::{OwnedDirectory, OwnedOptions};
use secrecy::SecretString;
use segment_core::ports::{DirectoryError, SubjectDirectory};
use std::{fmt::Write, time::Duration};

use super::{World, ask, customer, described, on_all};

const PASSWORD: &str = "hunter2";

fn connect(url: &str) -> Result<OwnedDirectory, String> {
    let datasets = Dataset::parse_all(&customer("email", "email")).unwrap();
    let options = OwnedOptions::default().with_connect_timeout(Duration::from_millis(300));
    OwnedDirectory::connect(&SecretString::from(url), "shop", datasets, "shop.customer.id".parse().unwrap(), options)
        .map_err(|error| format!("{error} {error:?}"))
}

/// An error with everything below it, in both forms.
fn everything(error: &DirectoryError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        write!(text, " {error} {error:?}").unwrap();
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_not_repeated() {
    for (url, expected) in [
        ("mssql://root:hunter2@127.0.0.1/shop", "is none of sqlite://, postgres:// and mysql://"),
        ("hunter2", "the database of the dataset shop is none of sqlite://, postgres:// and mysql://"),
        ("mysql://root:hunter2@127.0.0.1:notaport/shop", "cannot be read: it must be mysql://user:password@host"),
        (
            "mysql://root:hunter2@127.0.0.1/shop?ssl-mode=hunter2",
            "cannot be read: it must be mysql://user:password@host",
        ),
        ("mysql://root:hunter2@127.0.0.1/shop?ssl_mode=x", "cannot be read: it has a parameter that is not known"),
        ("mysql://root:hunter2@127.0.0.1", "cannot be read: it names no database"),
        ("postgres://root:hunter2@127.0.0.1:notaport/shop", "cannot be read: it must be postgres://user:password@host"),
        ("postgres://root@127.0.0.1/shop?sslmode=hunter2", "cannot be read: it must be postgres://user:password@host"),
        ("postgres://root@127.0.0.1/shop?passwd=hunter2", "cannot be read: it has a parameter that is not known"),
        ("sqlite::memory:", "cannot be read: it must name a file"),
        ("sqlite://", "cannot be read: it must name a file"),
        ("sqlite://shop.db?key=hunter2", "cannot be read: it must be sqlite://path"),
    ] {
        let error = connect(url).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains(PASSWORD), "{error}");
    }
}

#[tokio::test]
async fn a_database_that_is_down_is_unavailable_and_its_password_stays_secret() {
    // Nobody listens on port 1.
    let directory = connect(&format!("postgres://root:{PASSWORD}@127.0.0.1:1/shop")).unwrap();
    let error = ask(&directory, "email", "ann@example.com").await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unavailable(_)), "{error:?}");
    let (lines, messages) = described(&directory).await;
    assert_eq!(lines, ["dataset shop: connection: failed"]);
    assert!(messages.contains("refused"), "{messages}");
    for text in [everything(&error), messages, format!("{directory:?} {directory:#?}")] {
        assert!(!text.contains(PASSWORD) && !text.contains("ann@"), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_unavailable_and_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.db");
    let directory = connect(&format!("sqlite://{}", path.display())).unwrap();
    let error = ask(&directory, "email", "ann@example.com").await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unavailable(_)), "{error:?}");
    let (lines, messages) = described(&directory).await;
    assert_eq!(lines, ["dataset shop: connection: failed"]);
    assert!(messages.contains("cannot be opened: does it exist"), "{messages}");
    assert!(!path.exists());

    std::fs::write(&path, "this is no database, but long enough to be taken for one ".repeat(40)).unwrap();
    let (_, messages) = described(&directory).await;
    assert!(messages.contains("the file is not a database"), "{messages}");
}

on_all! { an_error_of_the_database_shows_no_value }

async fn an_error_of_the_database_shows_no_value(world: World) {
    // The view fails once a row matches; the message of PostgreSQL and of MariaDB repeats the address.
    let broken = world.pick(
        "abs(-9223372036854775807 - length(email) / length(email))",
        "CAST(email AS integer)",
        "boom(email)",
    );
    let boom = "CREATE FUNCTION boom(value VARCHAR(400)) RETURNS INTEGER DETERMINISTIC
        BEGIN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = value; RETURN 1; END;";
    let prepare = world.pick("", "", boom);
    world
        .run(&format!(
            "{prepare} CREATE TABLE t (email TEXT); INSERT INTO t VALUES ('ann@example.com');
             CREATE VIEW customer AS SELECT email, {broken} AS id FROM t"
        ))
        .await;
    let directory = world.directory(&customer("email", "email"), "shop.customer.id");
    // And that is not taken for "not known".
    let error = ask(&directory, "email", "ann@example.com").await.unwrap_err();
    assert!(!everything(&error).contains("ann@"), "{error:?}");
    assert!(directory.describe().await.iter().all(|check| !format!("{check:?}").contains("ann@")));
}
