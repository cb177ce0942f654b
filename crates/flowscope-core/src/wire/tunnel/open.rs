//! Which tunnel a packet may carry, by its IP protocol or its UDP ports.

use super::outer::{Inside, Outer};
use super::{
    Cause, Headers, IpProtocol, Layer, LayerVisitor, Next, Payload, Ports, Skip, Transport, ayiya,
    capwap, geneve, gre, gtpu, l2tp, lisp, split, teredo, tzsp, vxlan,
};

/// Whether it is worth asking what a packet carries: a transport header, and
/// behind it `bytes`.
#[inline]
pub(in crate::wire) fn is_possible(protocol: IpProtocol, ports: Ports, bytes: &[u8]) -> bool {
    match protocol {
        IpProtocol::TCP => false,
        IpProtocol::UDP => has_port(ports) || teredo::may_be_relayed(bytes),
        other => !other.has_ports(),
    }
}

/// Whether one of the ports may be a tunnel's.
#[inline]
pub(in crate::wire) fn has_port(ports: Ports) -> bool {
    UDP_PORTS.may_hold_either(ports)
}

/// What a tunnel leads to, and what is there of it.
type Opened<'a> = Result<(Next, Payload<'a>), Skip>;

/// Reads the tunnel header that a packet carries; `None` if it carries none.
#[cold]
pub(in crate::wire) fn open<'a>(
    outer: &Headers<'a>,
    visitor: &mut dyn LayerVisitor,
) -> Option<Opened<'a>> {
    open_by(outer, visitor, |inside| match outer.transport {
        Transport::Other(protocol) => by_protocol(protocol, inside),
        Transport::Udp => {
            let Ports { src, dst } = outer.ports;
            by_port(dst, inside)
                .or_else(|| by_port(src, inside))
                .or_else(|| teredo::relayed(inside))
        }
        _ => None,
    })
}

/// Reads the VXLAN header that a datagram carries, whatever its ports.
pub(in crate::wire) fn open_vxlan<'a>(
    outer: &Headers<'a>,
    visitor: &mut dyn LayerVisitor,
) -> Option<Opened<'a>> {
    open_by(outer, visitor, vxlan::either)
}

fn open_by<'a>(
    outer: &Headers<'a>,
    visitor: &mut dyn LayerVisitor,
    open: impl FnOnce(&mut Outer<'a, '_>) -> Option<Inside<'a>>,
) -> Option<Opened<'a>> {
    let Payload { bytes, missing } = outer.payload;
    let mut inside = Outer {
        ip: &outer.ip,
        ports: outer.ports,
        bytes,
        missing,
        is_fragment: outer.is_fragment,
        visitor,
    };
    let opened = open(&mut inside)?;
    let missing = inside.missing;
    Some(match opened {
        Ok((next, bytes)) => Ok((next, Payload { bytes, missing })),
        Err(skip) => Err(outer.with_cause(skip, missing)),
    })
}

/// The ports of VXLAN: assigned, of Linux before, and of VXLAN-GPE.
pub(in crate::wire) const VXLAN: [u16; 3] = [4789, 8472, 4790];

/// The ports of GTP-U, and of version 0 of GTP.
pub(in crate::wire) const GTPU: [u16; 2] = [2152, 3386];

fn by_protocol<'a>(protocol: IpProtocol, outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    let bytes = outer.bytes;
    let next = match protocol {
        IpProtocol::IPV4 => Next::Ipv4,
        IpProtocol::IPV6 => Next::Ipv6,
        IpProtocol::MPLS => Next::Mpls,
        IpProtocol::ETHERNET => Next::Ethernet,
        IpProtocol::GRE => return Some(gre::gre(outer)),
        IpProtocol::L2TP => return l2tp::over_ip(outer),
        IpProtocol::ETHERIP => return Some(etherip(outer)),
        IpProtocol::PIM => return pim_register(outer),
        _ => return None,
    };
    outer.report_carrier();
    Some(Ok((next, bytes)))
}

fn by_port<'a>(port: u16, outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    let (_, layer, open) = UDP_TUNNELS.iter().find(|(known, ..)| *known == port)?;
    if outer.bytes.is_empty() {
        return outer
            .is_cut()
            .then_some(Err(Skip::new(*layer, Cause::Truncated)));
    }
    match open(outer) {
        None if outer.is_cut() && outer.bytes.len() < LONGEST_FIXED => {
            Some(Err(Skip::new(*layer, Cause::Truncated)))
        }
        opened => opened,
    }
}

/// Reads the header of a tunnel, or says that there is none.
type Open = for<'a> fn(&mut Outer<'a, '_>) -> Option<Inside<'a>>;

/// What runs over UDP, by the port that one of its ends has.
const UDP_TUNNELS: [(u16, Layer, Open); 14] = [
    (1701, Layer::L2tp, l2tp::over_udp),
    (2152, Layer::GtpU, gtpu::gtpu),
    (3386, Layer::GtpU, gtpu::version_0),
    (3544, Layer::Teredo, teredo::teredo),
    (4341, Layer::Lisp, lisp::lisp),
    (4754, Layer::Gre, gre_in_udp),
    (4789, Layer::Vxlan, vxlan::vxlan),
    (4790, Layer::Vxlan, vxlan::generic),
    // Linux had a number of its own before there was an assigned one.
    (8472, Layer::Vxlan, vxlan::vxlan),
    (5072, Layer::Ayiya, ayiya::ayiya),
    (5247, Layer::Capwap, capwap::capwap),
    (6081, Layer::Geneve, geneve::geneve),
    (6635, Layer::Udp, mpls_in_udp),
    (37008, Layer::Tzsp, tzsp::tzsp),
];

const UDP_PORTS: PortSet = PortSet::of(&UDP_TUNNELS);

/// No tunnel has to have more bytes before it knows itself.
const LONGEST_FIXED: usize = 9;

/// A set of ports that may claim to hold one which it does not, for the price
/// of one look: one in eight, but none that most traffic goes to.
struct PortSet(u64);

impl PortSet {
    const fn of(mut tunnels: &[(u16, Layer, Open)]) -> Self {
        let mut set = 0;
        while let [(port, ..), rest @ ..] = tunnels {
            set |= 1 << Self::place(*port);
            tunnels = rest;
        }
        Self(set)
    }

    /// The factor was searched for: it brings the ports of tunnels together
    /// and keeps the busy ones away from them.
    #[inline]
    const fn place(port: u16) -> u32 {
        (port as u32).wrapping_mul(0x4d89_5af5) >> 26
    }

    /// Two questions, each a test of one bit and a branch that is never taken:
    /// one question would shift by amounts that are not known before, which
    /// takes longer.
    #[inline]
    fn may_hold_either(&self, ports: Ports) -> bool {
        self.may_hold(ports.dst) || self.may_hold(ports.src)
    }

    #[inline]
    fn may_hold(&self, port: u16) -> bool {
        self.0 & 1 << Self::place(port) != 0
    }
}

/// EtherIP (RFC 3378): a version, then an Ethernet frame.
fn etherip<'a>(outer: &mut Outer<'a, '_>) -> Inside<'a> {
    let ([version, _], rest) = split::<2>(outer.bytes, Layer::EtherIp)?;
    if version >> 4 != 3 {
        return Err(Skip::new(Layer::EtherIp, Cause::BadVersion));
    }
    outer.report(Layer::EtherIp, None);
    Ok((Next::Ethernet, rest))
}

/// A PIM Register message (RFC 7761, section 4.9.3), in which a multicast
/// packet travels to the rendezvous point. A null register has only its header.
fn pim_register<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    const VERSION_2_REGISTER: u8 = 0x21;
    const NULL: u8 = 0x40;
    let ([kind, _, _, _, flags, _, _, _], rest) = match split::<8>(outer.bytes, Layer::Pim) {
        Ok(split) => split,
        Err(skip) => return Some(Err(skip)),
    };
    if *kind != VERSION_2_REGISTER || flags & NULL != 0 {
        return None;
    }
    outer.report(Layer::Pim, None);
    Some(Ok((Next::Ip, rest)))
}

/// RFC 8086.
fn gre_in_udp<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    Some(gre::gre(outer))
}

/// RFC 7510.
fn mpls_in_udp<'a>(outer: &mut Outer<'a, '_>) -> Option<Inside<'a>> {
    outer.report(Layer::Udp, None);
    Some(Ok((Next::Mpls, outer.bytes)))
}

#[cfg(test)]
mod tests {
    use flowscope_fixtures::{Ipv4, Layer as OuterLayer, Udp, wrap};

    use super::super::super::Depth;
    use super::*;
    use crate::{LinkType, PacketView, Timestamp};

    #[test]
    fn every_port_that_is_opened_is_in_the_set() {
        for (dst, ..) in UDP_TUNNELS {
            assert!(UDP_PORTS.may_hold_either(Ports { src: 0, dst }), "{dst}");
            let (src, dst) = (dst, 0);
            assert!(UDP_PORTS.may_hold_either(Ports { src, dst }), "{src}");
        }
    }

    #[test]
    fn busy_ports_are_not_asked_about() {
        const BUSY: [u16; 16] = [
            53, 67, 68, 80, 123, 137, 138, 161, 443, 500, 1900, 3478, 4500, 5060, 5353, 51820,
        ];
        for (src, dst) in BUSY.into_iter().map(|port| (port, port)) {
            assert!(!UDP_PORTS.may_hold_either(Ports { src, dst }), "{dst}");
        }
    }

    #[test]
    fn a_session_ends_where_its_length_says() {
        let ip = || {
            let ip = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
            OuterLayer::Ipv4(ip)
        };
        let packet = wrap(&[ip(), OuterLayer::Udp(Udp::new(7, 9))], &[0x2a; 10]);
        let ppp = [&[0xff, 0x03, 0, 0x21], &packet[..]].concat();
        for (fewer, expected) in [(0, 10), (3, 7), (10, 0)] {
            let len = ppp.len() as u8 - fewer;
            let l2tp = [&[0x40, 2, 0, 8 + len, 0, 3, 0, 4], &ppp[..]].concat();
            let l2tp = wrap(&[ip(), OuterLayer::Udp(Udp::new(1701, 1701))], &l2tp);
            let pptp = [&[0x20, 1, 0x88, 0x0b, 0, len, 0, 5], &ppp[..]].concat();
            let pptp = wrap(&[ip(), OuterLayer::Protocol(47)], &pptp);
            for packet in [l2tp, pptp] {
                let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
                let headers = Headers::parse(view, Depth::Innermost).expect("it is sound");
                assert_eq!(headers.ports.dst, 9);
                assert_eq!(headers.payload.bytes.len(), expected);
                assert_eq!(headers.payload.missing, 0);
            }
        }
    }
}
