//! The rules of [`SubjectDirectory`].

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use crate::{Identity, IdentityKind, ports::SubjectDirectory};

/// What the directory under test has to know before the suite runs: e-mail addresses and the user ids found for them, row
/// by row. It must hold e-mail addresses and no other kind of identity.
pub const ROWS: [(&str, &str); 6] = [
    ("ann@example.com", "Ann-1"),
    ("ben@example.com", "b1"),
    ("ben@example.com", "b2"),
    ("ben@example.com", "b1"),
    ("ben@example.com", "b3"),
    ("cat@example.com", "c1"),
];

fn email(address: &str) -> Identity {
    Identity::new(IdentityKind::Email, address).unwrap()
}

/// The answer for an address: sorted user ids and whether there were more.
async fn ask(directory: &dyn SubjectDirectory, address: &str, limit: usize) -> (Vec<String>, bool) {
    let answer = directory.user_ids(&email(address), limit).await.unwrap();
    assert!(answer.searched, "e-mail addresses are held");
    let mut ids: Vec<_> = answer.user_ids.iter().map(|id| id.expose().clone()).collect();
    ids.sort();
    (ids, answer.truncated)
}

/// A known identity leads to its user id, spelled as the tables spell it.
pub async fn a_user_id_is_spelled_as_stored(directory: &dyn SubjectDirectory) {
    assert_eq!(ask(directory, "ann@example.com", 10).await, (vec!["Ann-1".to_owned()], false));
}

/// E-mail addresses are found in lower case too.
pub async fn an_address_in_capitals_is_found(directory: &dyn SubjectDirectory) {
    assert_eq!(ask(directory, "ANN@Example.com", 10).await.0, ["Ann-1"]);
}

/// An identity that nobody has is an empty answer of a search, not an error.
pub async fn an_unknown_identity_leads_nowhere(directory: &dyn SubjectDirectory) {
    assert_eq!(ask(directory, "nobody@example.com", 10).await, (vec![], false));
}

/// Every user id is answered, each once.
pub async fn several_user_ids_come_without_repetition(directory: &dyn SubjectDirectory) {
    assert_eq!(ask(directory, "ben@example.com", 10).await.0, ["b1", "b2", "b3"]);
}

/// At most `limit` user ids are answered, and `truncated` says that there are more; exactly as many are not truncated.
pub async fn more_than_the_limit_is_truncated(directory: &dyn SubjectDirectory) {
    let (ids, truncated) = ask(directory, "ben@example.com", 2).await;
    assert_eq!((ids.len(), truncated), (2, true));
    let (ids, truncated) = ask(directory, "ben@example.com", 3).await;
    assert_eq!((ids.len(), truncated), (3, false));
}

/// A kind of identity that no collection holds is told apart from a person that nobody knows.
pub async fn a_kind_that_is_not_held_is_not_searched(directory: &dyn SubjectDirectory) {
    let phone = Identity::new(IdentityKind::PhoneNumber, "+4930123456").unwrap();
    let answer = directory.user_ids(&phone, 10).await.unwrap();
    assert!(!answer.searched && answer.user_ids.is_empty() && !answer.truncated);
}

/// The checks of a healthy directory have names and none fails; a warning is no failure.
pub async fn a_healthy_directory_describes_itself(directory: &dyn SubjectDirectory) {
    let checks = directory.describe().await;
    assert!(!checks.is_empty());
    for check in checks {
        assert!(!check.name.is_empty());
        assert!(check.result.as_ref().err().is_none_or(|problem| problem.warning), "{check:?}");
    }
}

/// Makes a `#[tokio::test]` of each function of [`directory`](crate::testing::conformance::directory). Its argument is the
/// path of an `async fn() -> impl Deref<Target = impl SubjectDirectory>` that makes a directory which knows
/// [`ROWS`](crate::testing::conformance::directory::ROWS). After `optional` it gives an `Option`, which is empty, after a loud
/// line, where the database that it needs is not there.
#[macro_export]
macro_rules! subject_directory_conformance {
    (optional $fresh:path) => {
        $crate::subject_directory_conformance! { @rules $fresh, |fresh| fresh }
    };
    ($fresh:path) => {
        $crate::subject_directory_conformance! { @rules $fresh, |fresh| Some(fresh) }
    };
    (@rules $fresh:path, $found:expr) => {
        $crate::subject_directory_conformance! { @each $fresh, $found;
            a_user_id_is_spelled_as_stored
            an_address_in_capitals_is_found
            an_unknown_identity_leads_nowhere
            several_user_ids_come_without_repetition
            more_than_the_limit_is_truncated
            a_kind_that_is_not_held_is_not_searched
            a_healthy_directory_describes_itself
        }
    };
    (@each $fresh:path, $found:expr; $($rule:ident)+) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let found: fn(_) -> Option<_> = $found;
                let Some(directory) = found($fresh().await) else { return };
                $crate::testing::conformance::directory::$rule(&*directory).await;
            }
        )+
    };
}
