//! What is to happen on a link between two hosts, and what did.

use super::endpoint::{Control, Segment};
use super::tcb::{State, Tcb};

/// What happens between two ports: connections one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) start: u64,
    /// How long packets take from each host to the watcher.
    pub(crate) delays: [u64; 2],
    pub(crate) connections: Vec<Connection>,
    pub(crate) mishaps: Vec<Mishap>,
    pub(crate) forgeries: Vec<Forgery>,
}

#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// How long after the last step of the one before it begins.
    pub(crate) pause: u64,
    pub(crate) isns: [Isn; 2],
    pub(crate) opening: Opening,
    /// Each with the time since the step before.
    pub(crate) steps: Vec<(u64, Step)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opening {
    /// The client asks and the server listens.
    Usual,
    /// Both ask at once (RFC 9293, section 3.5).
    Simultaneous,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Isn {
    Any(u32),
    /// So far ahead of the last number that this host used on these ports.
    Ahead(u32),
}

/// What an application does. A server's waits until it is connected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Say(usize, usize),
    Close(usize),
    Abort(usize),
    /// The host forgets the connection without a word.
    Crash(usize),
}

impl Step {
    pub(crate) fn host(self) -> usize {
        match self {
            Self::Say(host, _) | Self::Close(host) | Self::Abort(host) | Self::Crash(host) => host,
        }
    }
}

/// Something befalls the `nth` packet of its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mishap {
    pub(crate) connection: usize,
    pub(crate) kind: Kind,
    pub(crate) nth: usize,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What {
    /// It is lost before it passes the watcher.
    Lost,
    /// It is lost behind the watcher.
    LostBehind,
    /// It passes unseen.
    Unseen,
    /// The watcher writes it down behind so many later packets.
    Late(usize, LateTime),
    /// It passes twice.
    Twice,
    /// It takes so much longer from the watcher to its receiver.
    Slow(u64),
}

/// The time of a packet that was written down late.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LateTime {
    Own,
    /// That of the packet which it was written down behind.
    OfTheOther,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    Syn,
    SynAck,
    /// The client's first packet with neither a SYN nor data.
    HandshakeAck,
    Data,
    Ack,
    Fin,
    Rst,
}

/// A forged packet, when `after` packets of a connection have visitor, or its
/// steps are done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forgery {
    pub(crate) connection: usize,
    pub(crate) after: usize,
    pub(crate) delay: u64,
    /// Who is said to have sent it.
    pub(crate) from: usize,
    pub(crate) control: Control,
    pub(crate) seq: ForgedSeq,
    pub(crate) ack: ForgedAck,
    /// Bytes that a SYN brings.
    pub(crate) data: usize,
    pub(crate) arrival: Arrival,
}

/// By what its receiver wants next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ForgedSeq {
    Exact,
    Ahead(u32),
    Behind(u32),
    Any(u32),
}

/// By what its receiver has sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ForgedAck {
    None,
    Right,
    Old(u32),
    Any(u32),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrival {
    Arrives,
    /// It is seen and does not get any further.
    Dies,
}

/// A packet that passed the watcher, or should have.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) from: usize,
    pub(crate) segment: Segment,
    pub(crate) kind: Kind,
    /// Whose it is: none if it is forged, or its sender knew of no connection.
    pub(crate) connection: Option<usize>,
    pub(crate) forged: Option<Forgery>,
    pub(crate) at: u64,
    /// What happened to it.
    pub(crate) what: Option<What>,
    /// Whether its receiver had this connection as it passed.
    pub(crate) is_awaited: bool,
    /// Numbers in a trace are told from here.
    pub(crate) isns: [u32; 2],
    /// For a trace: what the receiver was doing as it passed.
    pub(crate) receiver: Option<State>,
}

impl Packet {
    pub(crate) fn is_seen(&self) -> bool {
        !matches!(self.what, Some(What::Lost | What::Unseen))
    }
}

impl Kind {
    pub(crate) fn of(segment: &Segment) -> Self {
        match (segment.control, segment.ack) {
            (Control::Syn, None) => Self::Syn,
            (Control::Syn, Some(_)) => Self::SynAck,
            (Control::Rst, _) => Self::Rst,
            (Control::Fin, _) => Self::Fin,
            (Control::None, _) if !segment.data.is_empty() => Self::Data,
            (Control::None, _) => Self::Ack,
        }
    }
}

/// What became of a script.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// In the order in which they were written down, if they were.
    pub(crate) packets: Vec<Packet>,
    /// What each host knew of each connection.
    pub(crate) ends: Vec<[Option<Tcb>; 2]>,
    /// The initial sequence numbers of each connection.
    pub(crate) isns: Vec<[u32; 2]>,
}
