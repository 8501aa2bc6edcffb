//! The circuit of a job's account: one whose calls fail one after the other waits a while, and nobody with it.
//!
//! It is in the account's record, which is read for each job anyway, and is written only when a call fails, and when one
//! succeeds again.

use domain::{
    Timestamp,
    budget::{Circuit, CircuitRule, CircuitState, Party},
    job::Job,
    outcome::Outcome,
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker};
use crate::{Error, budget::signal, chain, ports::SealedAccount};

/// How often an outcome is recorded anew that met another.
const TRIES: u32 = 3;

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// The circuit with which the account may call now, or until when it may not.
    pub(super) async fn pass_circuit(
        &self,
        job: &Job,
        sealed: &SealedAccount,
    ) -> Result<Result<Circuit, Timestamp>, Error> {
        match sealed.circuit.state(self.ports.now()) {
            CircuitState::Closed => Ok(Ok(sealed.circuit.clone())),
            CircuitState::Open(until) => Ok(Err(until)),
            CircuitState::HalfOpen(probing) => {
                let is_probe = self.ports.set_circuit(&job.spec.account, &sealed.circuit, &probing).await?;
                // Another finds out.
                Ok(if is_probe { Ok(probing) } else { Err(self.ports.now()) })
            }
        }
    }

    /// Records in the account's circuit what became of its call. A failure to record is logged: the call was made all the
    /// same.
    pub(super) async fn record_in_circuit(&self, job: &Job, circuit: Circuit, outcome: &Outcome) {
        let account = &job.spec.account;
        let signal = signal(Some(outcome), Party::account(account));
        let (now, jitter) = (self.ports.now(), self.ports.jitter());
        let mut seen = circuit;
        for _ in 0..TRIES {
            let after = seen.record(&signal, &CircuitRule::ACCOUNT, jitter, now);
            if after == seen {
                return;
            }
            let found = match self.ports.set_circuit(account, &seen, &after).await {
                Ok(true) => return,
                Ok(false) => self.ports.account(account).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(Some(sealed)) => seen = sealed.circuit,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(error = chain(&error), "how an account's calls go was not recorded");
                    return;
                }
            }
        }
        tracing::warn!(job_id = %job.id, "how an account's calls go was not recorded: too many end at once");
    }
}
