//! Finding out what became of a file that was sent: by its ticket, by the machine tag of its photo, or by the version of
//! the photo that it was to replace.

use domain::{
    ClaimId, Timestamp,
    job::{Event, Failure, FailureCode, Job, Work},
    outcome::Outcome,
    timing::VERIFICATION_INTERVAL,
    upload::{DedupCheck, FoundPhoto, Ticket, TicketState, machine_tag, next_ticket_check},
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker, account::usable, outcome::Ran, results, tickets};
use crate::{
    Error,
    ports::{SealedAccount, Signing},
};

/// What one question came to.
enum Found {
    /// The account holds the photo with this id.
    Photo(String),
    /// Flickr could not make a photo of the file.
    Refused,
    /// Flickr still works on the file, or did not answer.
    Pending(Ticket),
    /// Nothing shows that the file arrived: it may not have, or not yet.
    NotSeen,
    /// Flickr did not say.
    NotAnswered,
    /// The ticket is not known, so the photo is to be looked for.
    TicketLost,
}

/// What Flickr's answer for a ticket says; no answer says nothing.
fn of_ticket(ticket: &Ticket, state: Option<TicketState>) -> Found {
    match state {
        Some(TicketState::Done(id)) => Found::Photo(id),
        Some(TicketState::Failed) => Found::Refused,
        Some(TicketState::Lost) => Found::TicketLost,
        Some(TicketState::Pending) | None => {
            Found::Pending(Ticket { asked: ticket.asked.saturating_add(1), ..ticket.clone() })
        }
    }
}

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// Asks once what became of the job's file; the verification gives up at `until`. Where no call is granted for it,
    /// it waits longer, up to the job's deadline.
    pub(super) async fn verify_file(&self, job: &Job, claim: &ClaimId, until: Timestamp) -> Result<Ran, Error> {
        let unknown = |message| Failure::new(FailureCode::OutcomeUnknown, message);
        let fail = |message| Ok(Ran::new(job, Event::Fail(claim.clone(), unknown(message))));
        let give_up_at = until.max(job.deadline());
        let Ok(sealed) = usable(self.ports.account(&job.spec.account).await?) else {
            return fail("the account went before it could be found out whether the file arrived");
        };
        if self.ports.now() >= give_up_at {
            return fail("it could not be found out in time whether the file arrived");
        }
        let awaited = match &job.state.file.ticket {
            Some(ticket) => Some((ticket, tickets::awaited(&self.ports, job).await)),
            None => None,
        };
        if let Some((ticket, awaited)) = &awaited
            && let Some(state) = awaited.answer(ticket, self.ports.now())
        {
            let found = of_ticket(ticket, Some(state.clone()));
            return Ok(Ran::new(job, self.after_question(job, claim, &sealed, until, found)));
        }
        let Ok(signing) = self.signing(job, &sealed).await? else {
            return fail("the account's token cannot be opened to find out whether the file arrived");
        };
        let (circuit, granted) = match self.call_to_verify(job, claim, &sealed, give_up_at).await? {
            Ok(granted) => granted,
            Err(later) => return Ok(Ran::new(job, later)),
        };
        let (outcome, found) = match awaited {
            Some((ticket, awaited)) => {
                let (outcome, state) = self.ask_for_tickets(job, &signing, ticket, &awaited).await;
                (outcome, of_ticket(ticket, state))
            }
            None => self.ask(job, &signing).await,
        };
        self.record(job, &signing, &granted, circuit, &outcome).await;
        let event = self.after_question(job, claim, &sealed, until, found);
        Ok(Ran { called: true, ..Ran::new(job, event) })
    }

    /// What happens to the job after a question came to this.
    fn after_question(
        &self,
        job: &Job,
        claim: &ClaimId,
        sealed: &SealedAccount,
        until: Timestamp,
        found: Found,
    ) -> Event {
        let now = self.ports.now();
        match found {
            Found::Photo(id) => results::of_photo(claim, sealed, Some(&id), false),
            Found::Refused => {
                let message = "Flickr took the file, and could not make a photo of it";
                Event::Fail(claim.clone(), Failure::new(FailureCode::FlickrRejected, message))
            }
            Found::Pending(ticket) if now < until => {
                let due_at = next_ticket_check(ticket.asked, now);
                Event::AwaitTicket { claim: claim.clone(), ticket, due_at, until }
            }
            Found::NotSeen if now < until => self.verify_later(job, claim, (now + VERIFICATION_INTERVAL).min(until)),
            // No answer decides nothing: it is asked as long as the job may wait.
            Found::NotAnswered => {
                self.verify_later(job, claim, (now + VERIFICATION_INTERVAL).min(until.max(job.deadline())))
            }
            Found::Pending(_) | Found::TicketLost => {
                Event::Verify { claim: claim.clone(), due_at: now, window: self.verification_window(job) }
            }
            Found::NotSeen => self.after_search(job, claim),
        }
    }

    /// Asks what became of a file without a ticket.
    async fn ask(&self, job: &Job, signing: &Signing) -> (Outcome, Found) {
        match job.spec.work.replaced_photo() {
            Some(photo_id) => {
                let (outcome, version) = self.flickr.photo_version(signing, photo_id).await;
                let before = job.state.file.photo_version.as_ref();
                let found = match version {
                    None => Found::NotAnswered,
                    Some(after) if before.is_some_and(|before| after.secret != before.secret) => {
                        Found::Photo(photo_id.to_owned())
                    }
                    Some(_) => Found::NotSeen,
                };
                (outcome, found)
            }
            None => {
                let (outcome, found) = self.flickr.find_photo(signing, &machine_tag(&job.id)).await;
                let found = match found {
                    FoundPhoto::Found(id) => Found::Photo(id),
                    FoundPhoto::None => Found::NotSeen,
                    FoundPhoto::NotKnownYet => Found::NotAnswered,
                };
                (outcome, found)
            }
        }
    }

    /// What happens to a job of whose file nothing was seen for as long as it was looked for. Where Flickr itself tells a
    /// repetition, or a repetition changes nothing, the file is sent again.
    fn after_search(&self, job: &Job, claim: &ClaimId) -> Event {
        let may_repeat = match &job.spec.work {
            Work::Upload(call) => self.dedup_check(job, call) != DedupCheck::Off,
            Work::Replace(_) => true,
            Work::Rest(_) => false,
        };
        let message = "the file was sent, and nothing shows that it arrived";
        let failure = Failure::new(FailureCode::OutcomeUnknown, message);
        if !may_repeat {
            return Event::Fail(claim.clone(), failure);
        }
        if job.state.attempts >= self.retries.get(job.spec.work.target()).attempts {
            return Event::GiveUp(claim.clone(), failure);
        }
        Event::SendAgain { claim: claim.clone(), due_at: self.ports.now().min(job.deadline()) }
    }
}
