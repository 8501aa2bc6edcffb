//! Asks before something is done that ends requests of a tenant.

use std::io::{self, BufRead, IsTerminal};

use clap::Args;

/// Whether an operator must be asked.
#[derive(Debug, Clone, Copy, Args)]
pub struct Consent {
    /// Does it without asking.
    #[arg(long)]
    yes: bool,
}

/// Nothing was done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The answer was not yes.
    #[error("nothing was done")]
    No,
    /// Nobody is there to be asked.
    #[error("nobody can be asked: use --yes")]
    Unasked,
}

impl Consent {
    /// Asks on the terminal whether this is to be done, unless `--yes` says so.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn ask(self, what: &str) -> Result<(), Refused> {
        let stdin = io::stdin();
        if self.yes {
            return Ok(());
        }
        if !stdin.is_terminal() {
            return Err(Refused::Unasked);
        }
        eprint!("{what} Type yes to go on: ");
        let mut line = String::new();
        let read = stdin.lock().read_line(&mut line);
        if read.is_ok() && line.trim() == "yes" { Ok(()) } else { Err(Refused::No) }
    }
}
