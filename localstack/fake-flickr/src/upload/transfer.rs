//! An upload or a replacement that is authenticated, permitted and has an acceptable file.

use jiff::Timestamp;

use crate::faults::{Fault, Kind};
use crate::params::Params;
use crate::world::World;
use crate::world::lags::later;
use crate::world::photo::StoredFile;
use crate::world::ticket::{Outcome, Ticket};

#[derive(Debug)]
pub(super) struct Transfer<'a> {
    /// The id of the user.
    pub user: String,
    pub params: &'a Params,
    pub file: StoredFile,
    pub is_async: bool,
    /// The fault that changes what becomes of it.
    pub fault: Option<Fault>,
    pub now: Timestamp,
}

impl Transfer<'_> {
    pub(super) fn has_fault(&self, kind: Kind) -> bool {
        self.fault.is_some_and(|fault| fault.kind == kind)
    }

    /// When the file is a photo at the earliest.
    pub(super) fn stored_at(&self, world: &World) -> Timestamp {
        if self.is_async { later(self.now, world.config.ticket_delay_ms) } else { self.now }
    }

    /// The ticket that ends with `outcome`.
    pub(super) fn ticket(&self, world: &World, outcome: Outcome) -> Ticket {
        let config = &world.config;
        let is_stuck = self.has_fault(Kind::TicketStuck);
        let polls = self.fault.and_then(|fault| fault.after_polls).unwrap_or(config.ticket_pending_polls);
        Ticket {
            outcome: if self.has_fault(Kind::TicketLost) { Outcome::Lost } else { outcome },
            pending_polls: polls,
            pending_until: if is_stuck { Timestamp::MAX } else { self.stored_at(world) },
            forgotten: later(self.now, u64::from(config.ticket_life_seconds) * 1000),
        }
    }
}
