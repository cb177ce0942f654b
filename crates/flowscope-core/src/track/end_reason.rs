//! Why flows end.

use crate::words::words;

words! {
    /// Why a flow ended.
    pub enum EndReason {
        /// Both sides of a TCP connection sent a FIN.
        Fin => "fin",
        /// A TCP connection was reset.
        Rst => "rst",
        /// It was silent for longer than its idle timeout.
        IdleTimeout => "idle_timeout",
        /// The table was full and this flow was the nearest to its timeout.
        Evicted => "evicted",
        /// Another connection took its place: the same ports, and a SYN that was
        /// answered.
        Replaced => "replaced",
        /// The input ended while it was open.
        EndOfInput => "end_of_input",
        /// Its parser could not go on: what a driver of parsers says of a flow that
        /// ended later. Why the flow itself ended is then told by its state.
        ParseError => "parse_error",
    }
}
