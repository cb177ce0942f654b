//! What must hold of a tracker with parsers, whatever packets it is given.

use core::mem;
use std::collections::BTreeMap;

use flowscope::defrag::{FragmentConfig, FragmentPolicy};
use flowscope::detect::{ByPorts, Detector};
use flowscope::engine::OuterFlows;
use flowscope::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey};
use flowscope::track::FlowId;
use flowscope::{EngineConfig, FlowEvent, FlowMessageDriver, PacketView, SessionEvent};

use crate::digest::Digest;

type Driver = FlowMessageDriver<AutoDetectEncap<FiveTuple>, ByPorts>;
type Event = SessionEvent<FiveTupleKey, flowscope::detect::Message>;

/// Tracks packets one by one and all at once: every packet is accounted for, the
/// events of a flow are in order, what is held stays under the caps, and both ways
/// give the same.
pub(crate) fn check(settings: u8, packets: &[PacketView<'_>]) {
    let config = config(settings);
    let mut one_by_one = Account::default();
    let mut driver = driver(config);
    for packet in packets {
        driver.track(*packet, &mut |event| one_by_one.event(event));
        assert!(driver.held_memory() <= config.max_memory);
        assert!(driver.stats().active <= config.max_flows as u64);
    }
    driver.finish(&mut |event| one_by_one.event(event));
    one_by_one.check(&driver, packets.len());

    let mut at_once = Account::default();
    let mut driver = self::driver(config);
    driver.track_batch(packets.iter().copied(), &mut |event| at_once.event(event));
    driver.finish(&mut |event| at_once.event(event));
    at_once.check(&driver, packets.len());
    assert_eq!(one_by_one.digest.finish(), at_once.digest.finish());
}

fn driver(config: EngineConfig) -> Driver {
    Detector::default()
        .driver(AutoDetectEncap::new(FiveTuple::bidirectional()))
        .with_config(config)
}

/// Small limits for some of the settings.
fn config(settings: u8) -> EngineConfig {
    let mut config = EngineConfig::default();
    if settings & 1 != 0 {
        config.max_flows = usize::from(settings >> 5) + 1;
    }
    if settings & 2 != 0 {
        config.max_memory = 8 << 10;
    }
    if settings & 4 != 0 {
        config.outer_flows = OuterFlows::Counted;
    }
    if settings & 8 != 0 {
        config.fragments = FragmentPolicy::Reassemble(FragmentConfig {
            max_memory: 8 << 10,
            max_fragments: 4,
            ..FragmentConfig::default()
        });
    }
    config
}

/// What the events of a run come to.
#[derive(Default)]
struct Account {
    digest: Digest,
    live: BTreeMap<FlowId, Flow>,
    packets: u64,
}

/// What was told of a flow that lives.
#[derive(Default)]
struct Flow {
    has_failed: bool,
}

impl Account {
    fn event(&mut self, event: Event) {
        let flow = event.flow();
        match &event {
            SessionEvent::Started { .. } => {
                let before = self.live.insert(flow, Flow::default());
                assert!(before.is_none(), "a flow begins once");
            }
            SessionEvent::Closed { stats, .. } => {
                assert!(self.live.remove(&flow).is_some(), "a flow ends once");
                self.packets += stats.packets.total();
            }
            SessionEvent::ParserFailed { .. } => {
                let flow = self.live.get_mut(&flow).expect("the flow lives");
                assert!(!mem::replace(&mut flow.has_failed, true), "it fails once");
            }
            SessionEvent::Application { .. } => {
                let flow = self.live.get(&flow).expect("the flow lives");
                assert!(!flow.has_failed, "a parser that failed reads nothing");
            }
            SessionEvent::Tracked(FlowEvent::Started { .. } | FlowEvent::Ended { .. }) => {
                panic!("beginnings and ends have events of their own")
            }
            _ => assert!(self.live.contains_key(&flow), "the flow lives"),
        }
        self.digest.push(&event);
    }

    /// Checks that every packet is accounted for, and that nothing is left.
    fn check(&self, driver: &Driver, given: usize) {
        assert!(self.live.is_empty());
        assert_eq!(driver.held_memory(), 0);
        let stats = driver.stats();
        assert!(stats.packets >= given as u64);
        assert_eq!(stats.packets_held, 0);
        let counted = self.packets + stats.packets_skipped();
        assert_eq!(counted, stats.packets + stats.packets_outer);
    }
}
