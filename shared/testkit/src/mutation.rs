//! Rules that are broken on purpose, to see whether the tests notice.

/// A rule that is broken on purpose. Some are broken by the fakes, the others by what drives the use cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// Flickr's answer to a write of unknown outcome says that the write took no effect.
    RetryIgnoresClass,
    /// A claim is granted whoever holds the job.
    ClaimWithoutLease,
    /// A claim is granted whatever fencing number the message carries.
    FencingNotCompared,
    /// A commit overwrites the job at whatever revision it is.
    RevisionNotCompared,
    /// A message is acknowledged before it is handled.
    AcknowledgedFirst,
    /// An insertion overwrites the job that an idempotency key made before.
    KeyIgnored,
    /// No sweep runs.
    NoSweep,
    /// Calls are granted without a limit.
    NoBudget,
    /// A call is granted though the circuit is open.
    CircuitIgnored,
    /// The end of a write invalidates no cached answer.
    NothingInvalidated,
    /// A cached answer never gets old.
    NothingExpires,
    /// An account is given the answers that are cached for others.
    AnswersOfAnyone,
    /// A job is not marked before what must not be repeated is sent for it.
    SendingNotMarked,
    /// Jobs that send the same bytes to one account do not wait for each other.
    SameBytesAtOnce,
    /// Jobs that replace the file of one photo do not wait for each other.
    SamePhotoAtOnce,
    /// Flickr's answer that it had the bytes of a photo that was deleted is taken for success.
    DeletedTakenForLiving,
    /// A file that is sent again is sent without deduplication.
    SentAgainWithoutDeduplication,
    /// A job takes what Flickr said of another's upload ticket for what it said of its own.
    TicketsMixedUp,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Mutation; 18] = [
        Mutation::RetryIgnoresClass,
        Mutation::ClaimWithoutLease,
        Mutation::FencingNotCompared,
        Mutation::RevisionNotCompared,
        Mutation::AcknowledgedFirst,
        Mutation::KeyIgnored,
        Mutation::NoSweep,
        Mutation::NoBudget,
        Mutation::CircuitIgnored,
        Mutation::NothingInvalidated,
        Mutation::NothingExpires,
        Mutation::AnswersOfAnyone,
        Mutation::SendingNotMarked,
        Mutation::SameBytesAtOnce,
        Mutation::SamePhotoAtOnce,
        Mutation::DeletedTakenForLiving,
        Mutation::SentAgainWithoutDeduplication,
        Mutation::TicketsMixedUp,
    ];
}
