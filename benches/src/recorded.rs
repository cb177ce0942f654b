//! What the programs in `fixtures/pcap/recorded` said to each other.

use core::convert::Infallible;
use core::error::Error;

use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::pcap::PcapFlowSource;
use flowscope::reassemble::Chunk;
use flowscope::session::{Datagram, DatagramParser, Input, Interest, SessionParser};
use flowscope::{FlowMessageDriver, FlowSide, SessionEvent, Sink};

/// What one side said before the other said something, or a datagram.
pub type Turn = (FlowSide, Vec<u8>);

/// The turns of each flow of a recorded capture that has any, in the order in
/// which they began.
///
/// # Errors
///
/// Where there is no such capture.
pub fn turns(capture: &str) -> Result<Vec<Vec<Turn>>, Box<dyn Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/pcap/recorded");
    let mut source = PcapFlowSource::open(format!("{path}/{capture}.pcap"))?;
    let mut driver = FlowMessageDriver::with_factory(FiveTuple::bidirectional(), Tap);
    let mut flows: Vec<(FiveTupleKey, Vec<Turn>)> = Vec::new();
    while let Some(packet) = source.next_packet()? {
        driver.track(packet, &mut |event| {
            if let SessionEvent::Application { key, message, .. } = event {
                let flow = match flows.iter().position(|(known, _)| *known == key) {
                    Some(flow) => flow,
                    None => {
                        flows.push((key, Vec::new()));
                        flows.len() - 1
                    }
                };
                add(&mut flows[flow].1, message);
            }
        });
    }
    Ok(flows.into_iter().map(|(_, turns)| turns).collect())
}

fn add(
    turns: &mut Vec<Turn>,
    Said {
        side,
        bytes,
        goes_on,
    }: Said,
) {
    match turns.last_mut() {
        Some((last, said)) if *last == side && goes_on => said.extend(bytes),
        _ => turns.push((side, bytes)),
    }
}

/// Hands on all payload.
#[derive(Clone)]
struct Tap;

struct Said {
    side: FlowSide,
    bytes: Vec<u8>,
    /// It is a piece of a stream.
    goes_on: bool,
}

impl SessionParser for Tap {
    type Message = Said;
    type Error = Infallible;

    fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<Said>) -> Result<Interest, Infallible> {
        if let Chunk::Data(bytes) = input.chunk {
            let (side, bytes) = (input.side, bytes.to_vec());
            out.push(Said {
                side,
                bytes,
                goes_on: true,
            });
        }
        Ok(Interest::More)
    }
}

impl DatagramParser for Tap {
    type Message = Said;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Said>,
    ) -> Result<Interest, Infallible> {
        let (side, bytes) = (datagram.side, datagram.payload.to_vec());
        out.push(Said {
            side,
            bytes,
            goes_on: false,
        });
        Ok(Interest::More)
    }
}
