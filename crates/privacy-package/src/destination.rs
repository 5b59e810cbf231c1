//! Where packages go. This version knows folders; an object store would be a second kind beside [`Folder`].

mod folder;

pub(crate) use folder::{Folder, check_folder};

use segment_core::ports::PackageError;

use crate::names::is_safe;

/// Refuses what is not a folder. Of a URL only the scheme is repeated, since the rest may hold credentials.
pub(crate) fn refuse_url(destination: &str) -> Result<(), PackageError> {
    let Some((scheme, _)) = destination.split_once("://") else { return Ok(()) };
    let sentence = match scheme {
        "file" => "name the folder for packages by its path, without `file://`".to_owned(),
        "s3" | "gs" | "az" => format!("packages cannot go to `{scheme}://` in this version; name a folder"),
        _ if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            format!("packages cannot go to `{scheme}://`; name a folder")
        }
        _ => "packages cannot go to a URL; name a folder".to_owned(),
    };
    Err(PackageError::Destination(sentence))
}

/// The name of the package's file at the end of a location; anything else is not ours to delete.
pub(crate) fn file_name(location: &str) -> Result<&str, PackageError> {
    let name = location.rsplit('/').next().unwrap_or_default();
    let zip = name.strip_suffix(".age").unwrap_or(name);
    if is_safe(name) && zip.strip_suffix(".zip").is_some_and(is_safe) {
        Ok(name)
    } else {
        Err(PackageError::Destination("the location does not name a package".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_refused_without_their_secrets() {
        for (url, expected) in
            [("s3://user:secret@b/p", "`s3://`"), ("ftp://secret@h", "`ftp://`"), ("se-cret://x", "URL")]
        {
            let sentence = refuse_url(url).unwrap_err().to_string();
            assert!(sentence.contains(expected) && !sentence.contains("secret"), "{sentence}");
        }
        assert!(refuse_url("packages").is_ok() && refuse_url("/srv/a:b").is_ok());
    }

    #[test]
    fn only_packages_are_named_by_a_location() {
        assert_eq!(file_name("packages/pri_1.zip").unwrap(), "pri_1.zip");
        assert_eq!(file_name("packages/pri_1.zip.age").unwrap(), "pri_1.zip.age");
        for location in
            ["", "packages", "packages/", "packages/.zip", "packages/x.pem", "packages/a b.zip", "packages/x.age"]
        {
            assert!(file_name(location).is_err(), "{location}");
        }
    }
}
