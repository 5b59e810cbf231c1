//! Under which account the server's programs run: PostgreSQL refuses to run as root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;

/// Accounts without privileges, best first.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

#[derive(Debug)]
pub(super) enum Account {
    /// We are not root: our own.
    Own,
    /// We are root: through setpriv, which replaces itself by the program.
    Setpriv { setpriv: PathBuf, user: User },
    /// We are root: through su.
    Su { su: PathBuf, user: User },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    pub(super) fn choose() -> Result<Self> {
        if process::stdout(Command::new("id").arg("-u"))?.trim() != "0" {
            return Ok(Self::Own);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let Some(user) = ACCOUNTS.iter().find_map(|name| find_user(&passwd, name)) else {
            bail!("PostgreSQL refuses to run as root, and neither `postgres` nor `nobody` exists: add such a user");
        };
        if let Some(setpriv) = process::find("setpriv") {
            return Ok(Self::Setpriv { setpriv, user });
        }
        let Some(su) = process::find("su") else {
            bail!("PostgreSQL refuses to run as root, and neither `setpriv` nor `su` is installed: install util-linux");
        };
        Ok(Self::Su { su, user })
    }

    /// Runs a program of the server under this account.
    pub(super) fn command(&self, program: &Path, args: &[&str]) -> Command {
        match self {
            Self::Own => {
                let mut command = Command::new(program);
                command.args(args);
                command
            }
            Self::Setpriv { setpriv, user } => {
                let mut command = Command::new(setpriv);
                command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
                command.arg("--clear-groups").arg("--").arg(program).args(args);
                command
            }
            Self::Su { su, user } => {
                let program = program.to_string_lossy();
                let words: Vec<_> = [&*program].iter().chain(args).map(|word| quote(word)).collect();
                let mut command = Command::new(su);
                command.args(["-s", "/bin/sh", &user.name, "-c"]).arg(format!("exec {}", words.join(" ")));
                command
            }
        }
    }

    /// Makes the account the owner of a folder that we made.
    pub(super) fn give(&self, folder: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Setpriv { user, .. } | Self::Su { user, .. } => {
                std::os::unix::fs::chown(folder, Some(user.uid), Some(user.gid))
                    .with_context(|| format!("cannot give {} to `{}`", folder.display(), user.name))
            }
        }
    }
}

fn find_user(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let mut numbers = fields.skip(1).map_while(|field| field.parse().ok());
        Some(User { name: name.to_owned(), uid: numbers.next()?, gid: numbers.next()? })
    })
}

/// A word that a shell reads as it is.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65533:nobody:/nonexistent:/bin/false\n";

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let nobody = User { name: "nobody".to_owned(), uid: 65534, gid: 65533 };
        assert_eq!(find_user(PASSWD, "nobody"), Some(nobody));
        assert_eq!(find_user(PASSWD, "no"), None);
    }

    #[test]
    fn su_gets_one_quoted_line() {
        let user = find_user(PASSWD, "nobody").unwrap();
        let account = Account::Su { su: "su".into(), user };
        let command = account.command(Path::new("/pg/bin/initdb"), &["-D", "it's here"]);
        let line = command.get_args().last().unwrap().to_string_lossy().into_owned();
        assert_eq!(line, r"exec '/pg/bin/initdb' '-D' 'it'\''s here'");
    }
}
