//! What follows from the table of protocols.

/// Makes [`Protocol`](crate::Protocol) of rows: a protocol and its name, the
/// feature that has it built in, and what reads its streams, its datagrams, or
/// both. They are looked for in the order of the rows.
macro_rules! protocols {
    ($(
        $(#[$doc:meta])*
        $protocol:ident = $name:literal, if $feature:literal
        $(, streams: $stream:ty)?
        $(, datagrams: $datagram:ty)?;
    )*) => {
        /// What a flow was found to be.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Protocol {
            $($(#[$doc])* $protocol,)*
        }

        impl Protocol {
            /// Every protocol.
            pub const ALL: &'static [Self] = &[$(Self::$protocol),*];

            /// Those that run over datagrams, perhaps beside streams.
            pub(crate) const OVER_DATAGRAMS: &'static [Self] = &[
                $($({
                    // Only where the row has a parser of datagrams.
                    const _: &str = stringify!($datagram);
                    Self::$protocol
                },)?)*
            ];

            /// Its name in lower case, such as `http`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$protocol => $name,)*
                }
            }

            /// Whether `side` of a connection, which begins with `first`, speaks it.
            pub(crate) fn probe_stream(
                self,
                first: &[u8],
                side: FlowSide,
                hint: PortHint,
            ) -> ProbeResult {
                match self {
                    $($(
                        #[cfg(feature = $feature)]
                        Self::$protocol => <$stream as StreamProtocol>::probe(first, side, hint),
                    )?)*
                    #[allow(unreachable_patterns)]
                    _ => ProbeResult::NoMatch,
                }
            }

            /// What a flow of datagrams is that has this one, if it tells.
            pub(crate) fn of_datagram(payload: &[u8], hint: PortHint) -> Option<Self> {
                $($(
                    #[cfg(feature = $feature)]
                    if <$datagram as DatagramProtocol>::probe(payload, hint) == ProbeResult::Match {
                        return Some(Self::$protocol);
                    }
                )?)*
                None
            }

            /// Whether a detector of a flow of it that is
            /// [at rest](crate::Detector::is_at_rest) may find anything in this datagram.
            /// It is told by the first byte, in most cases.
            #[inline]
            #[must_use]
            pub fn may_begin(self, payload: &[u8]) -> bool {
                match self {
                    $($(
                        #[cfg(feature = $feature)]
                        Self::$protocol => <$datagram as DatagramProtocol>::may_begin(payload),
                    )?)*
                    #[allow(unreachable_patterns)]
                    _ => true,
                }
            }

            /// The parser of a connection of it.
            pub(crate) fn stream_parser(self, detector: &Detector) -> Option<Box<dyn Parser>> {
                match self {
                    $($(
                        #[cfg(feature = $feature)]
                        Self::$protocol => {
                            let parser = <$stream as StreamProtocol>::open(detector);
                            Some(Box::new(OverStreams(parser)))
                        }
                    )?)*
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }

            /// The parser of a flow of its datagrams.
            pub(crate) fn datagram_parser(self, detector: &Detector) -> Option<Box<dyn Parser>> {
                match self {
                    $($(
                        #[cfg(feature = $feature)]
                        Self::$protocol => {
                            let parser = <$datagram as DatagramProtocol>::open(detector);
                            Some(Box::new(OverDatagrams(parser)))
                        }
                    )?)*
                    #[allow(unreachable_patterns)]
                    _ => None,
                }
            }
        }
    };
}
