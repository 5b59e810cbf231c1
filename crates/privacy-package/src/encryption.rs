//! Encrypting a package for its recipient, in the format of age: nobody else reads it, we included.

use std::io::{self, Write};
use std::iter;
use std::str::FromStr;

use age::secrecy::SecretString;
use age::stream::StreamWriter;
use age::{Encryptor, x25519};
use segment_core::ports::PackageError;
use segment_core::{Pii, Recipient, RequestId};

/// What a package is called: with a recipient its file says that it is encrypted.
pub(crate) fn file_name(request: &RequestId, encrypted: bool) -> String {
    format!("{request}.zip{}", if encrypted { ".age" } else { "" })
}

/// Whether a package can be encrypted for this recipient.
///
/// # Errors
///
/// It is no public key of age, or an empty passphrase. The error shows nothing of it.
pub fn check_recipient(recipient: &Recipient) -> Result<(), PackageError> {
    match recipient {
        Recipient::PublicKey(key) => public_key(key).map(drop),
        // What age does with one takes a second, on purpose.
        Recipient::Passphrase(phrase) if !phrase.expose().is_empty() => Ok(()),
        Recipient::Passphrase(_) => Err(refused("the passphrase is empty")),
        _ => Err(refused("it is of a kind that this version does not know")),
    }
}

fn refused(why: &str) -> PackageError {
    PackageError::Recipient(why.to_owned())
}

fn public_key(key: &Pii<String>) -> Result<x25519::Recipient, PackageError> {
    // Exposed to be parsed: a public key, which is about nobody but its owner.
    x25519::Recipient::from_str(key.expose().trim())
        .map_err(|_| refused("it is no public key of age, which begins with age1"))
}

/// Blocking: a passphrase is made slow to guess.
fn encryptor(recipient: &Recipient) -> Result<Encryptor, PackageError> {
    check_recipient(recipient)?;
    match recipient {
        Recipient::Passphrase(phrase) => {
            Ok(Encryptor::with_user_passphrase(SecretString::from(phrase.expose().clone())))
        }
        Recipient::PublicKey(key) => {
            let key = public_key(key)?;
            let recipients = iter::once(&key as &dyn age::Recipient);
            Encryptor::with_recipients(recipients).map_err(|_| refused("age does not take the public key"))
        }
        _ => Err(refused("it is of a kind that this version does not know")),
    }
}

/// Where the bytes of a package go: as they are, or encrypted.
pub(crate) enum Wrapped<W: Write> {
    Plain(W),
    Encrypted(Box<StreamWriter<W>>),
}

impl<W: Write> Wrapped<W> {
    /// Everything that is written is encrypted, if there is a recipient. A failure leaves nothing plain in `out`.
    pub(crate) fn new(out: W, recipient: Option<&Recipient>) -> Result<Self, PackageError> {
        let Some(recipient) = recipient else { return Ok(Self::Plain(out)) };
        let wrapped = encryptor(recipient)?.wrap_output(out);
        let failed = |error| crate::failure::write_error("the encrypted package", error);
        wrapped.map(Box::new).map(Self::Encrypted).map_err(failed)
    }

    /// Ends the encryption; a package that is not ended does not open.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(out) => Ok(out),
            Self::Encrypted(stream) => stream.finish(),
        }
    }
}

impl<W: Write> Write for Wrapped<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(data),
            Self::Encrypted(stream) => stream.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_recipient_is_refused_without_being_shown() {
        for key in ["", "age1", "age1qqqq", "AGE-SECRET-KEY-1QQQ", "ssh-ed25519 AAAA"] {
            let error = check_recipient(&Recipient::PublicKey(Pii::from(key))).unwrap_err().to_string();
            assert!(error.contains("no public key of age") && (key.len() < 5 || !error.contains(key)), "{error}");
        }
        assert!(check_recipient(&Recipient::Passphrase(Pii::from(""))).is_err());
        let key = x25519::Identity::generate().to_public().to_string();
        assert!(check_recipient(&Recipient::PublicKey(Pii::new(format!(" {key}\n")))).is_ok());
    }
}
