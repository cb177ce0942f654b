//! What the engine tells of connections between hosts.

use std::collections::BTreeMap;

use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, StreamEnd, StreamFactory};
use flowscope_core::track::{FlowId, FlowState};
use flowscope_core::wire::Transport;
use flowscope_core::{FlowDriver, FlowEvent, FlowSide, LinkType, PacketView};
use flowscope_fixtures::{Layer, Path, Side, Tcp, TcpOption};

use super::endpoint::Control;
use super::link_story::{Packet, Story};
use super::rules::tell_apart;
use super::stream_log::SERVER_PORT;
use super::stream_model::at;

/// What the engine told.
pub(crate) struct Witness {
    pub(crate) told: Vec<Told>,
    pub(crate) flows: Vec<Flow>,
    /// The flow that each packet was counted on, by pair of ports.
    pub(crate) flow_of: Vec<Vec<Option<usize>>>,
}

/// The streams of flows. It never fails: what is wrong is told with a trace.
#[derive(Debug, Default)]
struct Log {
    flows: Vec<Told>,
}

#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) initiator: usize,
    /// By host: each byte, or that it is missing.
    pub(crate) out: [Vec<Option<u8>>; 2],
    closed: [bool; 2],
    pub(crate) nonsense: Option<&'static str>,
}

impl Told {
    fn host(&self, side: FlowSide) -> usize {
        match side {
            FlowSide::Initiator => self.initiator,
            FlowSide::Responder => 1 - self.initiator,
        }
    }
}

impl StreamFactory<FiveTupleKey> for Log {
    type Stream = usize;

    fn open(&mut self, key: &FiveTupleKey, _: &Transport) -> Option<usize> {
        self.flows.push(Told {
            initiator: usize::from(key.port(FlowSide::Initiator) == Some(SERVER_PORT)),
            out: Default::default(),
            closed: [false; 2],
            nonsense: None,
        });
        Some(self.flows.len() - 1)
    }

    fn feed(&mut self, flow: &mut usize, _: &FiveTupleKey, input: Input<'_>) -> Interest {
        let told = &mut self.flows[*flow];
        let host = told.host(input.side);
        if told.closed[host] {
            told.nonsense = Some("bytes behind an end");
        }
        match input.chunk {
            Chunk::Data(bytes) => told.out[host].extend(bytes.iter().map(|it| Some(*it))),
            Chunk::Gap(len) if len < 1 << 20 => told.out[host].extend((0..len).map(|_| None)),
            Chunk::Gap(_) => told.nonsense = Some("a gap longer than anything said"),
        }
        Interest::More
    }

    fn close(&mut self, flow: &mut usize, _: &FiveTupleKey, end: StreamEnd) {
        let told = &mut self.flows[*flow];
        let host = told.host(end.side);
        if core::mem::replace(&mut told.closed[host], true) {
            told.nonsense = Some("two ends of a stream");
        }
    }
}

/// What is known of a flow beside its streams.
pub(crate) struct Flow {
    pub(crate) lane: usize,
    /// The packet that came when it began.
    pub(crate) first: usize,
    pub(crate) began: u64,
    /// When the last packet was counted on it.
    pub(crate) last: u64,
    /// What it ended as.
    pub(crate) state: Option<FlowState>,
}

/// Shows stories to the engine, each between ports of its own.
pub(crate) fn watch(stories: &[Story]) -> Witness {
    let mut order = Vec::new();
    for (lane, story) in stories.iter().enumerate() {
        let mut clock = 0;
        for (index, packet) in story.packets.iter().enumerate() {
            clock = packet.at.max(clock);
            if packet.is_seen() {
                order.push((clock, lane, index));
            }
        }
    }
    order.sort_by_key(|(clock, ..)| *clock);

    let mut driver = FlowDriver::new(FiveTuple::bidirectional(), Log::default());
    let path = Path::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let mut book = Book {
        stories,
        ids: BTreeMap::new(),
        flows: Vec::new(),
        flow_of: stories
            .iter()
            .map(|story| vec![None; story.packets.len()])
            .collect(),
    };
    let mut clock = 0;
    for (time, lane, index) in order {
        clock = time;
        let packet = &stories[lane].packets[index];
        let (side, tcp) = header(packet, client_port(lane));
        let frame = path.frame(side, packet.at, &Layer::Tcp(tcp), &packet.segment.data);
        let view = PacketView::new(&frame.bytes, at(frame.nanos)).with_link(LinkType(frame.link));
        driver.track(view, &mut |event| book.note(&event, clock));
    }
    driver.finish(&mut |event| book.note(&event, clock));
    let Book { flows, flow_of, .. } = book;
    assert_eq!(driver.held_memory(), 0, "all of it is given back");
    let log = core::mem::take(driver.factory_mut());
    Witness {
        told: log.flows,
        flows,
        flow_of,
    }
}

/// What events say of flows.
struct Book<'a> {
    stories: &'a [Story],
    ids: BTreeMap<FlowId, usize>,
    flows: Vec<Flow>,
    flow_of: Vec<Vec<Option<usize>>>,
}

impl Book<'_> {
    fn note(&mut self, event: &FlowEvent<FiveTupleKey>, clock: u64) {
        match event {
            FlowEvent::Started { flow, key, at, .. } => {
                let ports = [key.port(FlowSide::Initiator), key.port(FlowSide::Responder)]
                    .map(|port| port.expect("it is TCP"));
                let mut lanes = 0..self.stories.len();
                let lane = lanes.find(|lane| ports.contains(&client_port(*lane)));
                let lane = lane.expect("each flow is between a pair of ports");
                self.ids.insert(*flow, self.flows.len());
                self.flows.push(Flow {
                    lane,
                    first: self.packet(lane, at.as_nanos()).unwrap_or(0),
                    began: clock,
                    last: clock,
                    state: None,
                });
            }
            FlowEvent::Packet { flow, at, .. } => {
                let id = self.ids[flow];
                let lane = self.flows[id].lane;
                // One that waited was seen when it came.
                let last = &mut self.flows[id].last;
                *last = (*last).max(at.as_nanos().min(clock));
                if let Some(index) = self.packet(lane, at.as_nanos()) {
                    self.flow_of[lane][index] = Some(id);
                }
            }
            FlowEvent::Ended { flow, stats, .. } => {
                let id = self.ids[flow];
                self.flows[id].state = Some(stats.state);
            }
            _ => {}
        }
    }

    /// The first packet of that time that is not counted yet. A SYN may be
    /// counted later than others.
    fn packet(&self, lane: usize, at: u64) -> Option<usize> {
        let mut packets = self.stories[lane].packets.iter().zip(&self.flow_of[lane]);
        packets.position(|(packet, flow)| packet.is_seen() && packet.at == at && flow.is_none())
    }
}

/// What can be told of a story by the evidence alone.
pub(crate) fn reason(stories: &[Story]) -> Witness {
    let mut witness = Witness {
        told: Vec::new(),
        flows: Vec::new(),
        flow_of: Vec::new(),
    };
    for (lane, story) in stories.iter().enumerate() {
        let mut flow_of = vec![None; story.packets.len()];
        for proven in tell_apart(story) {
            let times = || proven.packets.iter().map(|index| story.packets[*index].at);
            for packet in &proven.packets {
                flow_of[*packet] = Some(witness.flows.len());
            }
            witness.flows.push(Flow {
                lane,
                first: proven.packets.first().copied().unwrap_or(0),
                began: times().next().unwrap_or(0),
                last: times().next_back().unwrap_or(0),
                state: None,
            });
            witness.told.push(Told {
                initiator: proven.initiator,
                out: [0, 1].map(|host| proven.told(story, host)),
                closed: [true; 2],
                nonsense: None,
            });
        }
        witness.flow_of.push(flow_of);
    }
    witness
}

fn header(packet: &Packet, client: u16) -> (Side, Tcp) {
    let segment = &packet.segment;
    let ports = [client, SERVER_PORT];
    let flags = match segment.control {
        Control::None => 0,
        Control::Syn => Tcp::SYN,
        Control::Fin => Tcp::FIN,
        Control::Rst => Tcp::RST,
    };
    let tcp = Tcp {
        seq: segment.seq,
        ack: segment.ack.unwrap_or(0),
        options: match segment.control {
            Control::Syn => vec![TcpOption::Mss(1460)],
            Control::None | Control::Fin | Control::Rst => Vec::new(),
        },
        ..Tcp::new(
            ports[packet.from],
            ports[1 - packet.from],
            flags | segment.ack.map_or(0, |_| Tcp::ACK),
        )
    };
    let side = [Side::Client, Side::Server][packet.from];
    (side, tcp)
}

fn client_port(lane: usize) -> u16 {
    1000 + lane as u16
}
