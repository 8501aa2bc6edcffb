//! The parts of a simulation that draw at random, each from a stream of its own: what one draws does not change what
//! another does. So a simulation stays much the same when a part of it is taken away ([`super::shrink`]).

use crate::random::Random;

/// A part of a simulation that draws at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// What callers ask for at random.
    Workload,
    /// Which files callers ask to send, at random.
    Files,
    /// What a flow asks for: the one with this index.
    Flow(usize),
    /// The ids and the jitter of the world.
    World,
    /// How Flickr behaves.
    Flickr,
    /// Which calls of ports fail.
    Faults,
    /// The queue, the clocks, the callers and the operator.
    Executor,
}

/// What a part draws under a seed.
pub(crate) fn stream(seed: u64, part: Stream) -> Random {
    let number = match part {
        Stream::World => 0,
        Stream::Flickr => 1,
        Stream::Faults => 2,
        Stream::Executor => 3,
        Stream::Workload => 4,
        Stream::Files => 5,
        Stream::Flow(index) => 6 + index,
    };
    let mut streams = Random::new(seed);
    for _ in 0..number {
        streams.fork();
    }
    streams.fork()
}
