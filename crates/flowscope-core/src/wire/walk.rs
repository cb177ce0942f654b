//! Follows a frame from its link layer to the transport header.

use super::next::Next;
use super::{Cause, Depth, Headers, Layer, LayerVisitor, MAX_LAYERS, Payload, Skip, link, tunnel};
use crate::PacketView;

impl<'a> Headers<'a> {
    /// Follows the frame down to `depth`.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says at which layer the walk ended and why.
    #[inline]
    pub fn parse(packet: PacketView<'a>, depth: Depth) -> Result<Self, Skip> {
        let mut headers = Self::empty();
        headers.walk(packet, depth, &mut ())?;
        Ok(headers)
    }

    /// Follows the frame down to `depth`, and calls `visitor` for what lies on the
    /// way.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn trace(
        packet: PacketView<'a>,
        depth: Depth,
        mut visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        Self::empty().walk(packet, depth, &mut visitor)
    }

    /// [`trace`](Self::trace) into so many tunnels within each other.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse); there may be fewer tunnels.
    pub(crate) fn trace_into(
        packet: PacketView<'a>,
        tunnels: u8,
        mut visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        let mut outer = Self::empty();
        outer.walk(packet, Depth::Outermost, &mut visitor)?;
        for _ in 0..tunnels {
            let mut inner = outer;
            match outer.descend(&mut inner, visitor) {
                Some(found) => found?,
                None => return Ok(()),
            }
            outer = inner;
        }
        Ok(())
    }

    /// The headers of a packet and of those that it carries in each other, and how
    /// many there are. The last of them may carry none.
    pub(crate) fn nested(self) -> ([Self; 1 + MAX_TUNNELS], usize) {
        let mut nested = [self; 1 + MAX_TUNNELS];
        let mut inner = self;
        let mut count = 0;
        for place in &mut nested {
            *place = inner;
            count += 1;
            if !matches!(place.descend(&mut inner, &mut ()), Some(Ok(()))) {
                break;
            }
        }
        (nested, count)
    }

    /// [`parse`](Self::parse) in place, with a visitor.
    #[inline]
    pub(crate) fn walk(
        &mut self,
        packet: PacketView<'a>,
        depth: Depth,
        visitor: &mut impl LayerVisitor,
    ) -> Result<(), Skip> {
        self.reach_ip(packet, visitor)?;
        match depth {
            Depth::Outermost => self.transport(),
            Depth::Innermost => {
                self.transport()?;
                if self.may_be_tunnel() {
                    return self.enter_tunnels(visitor);
                }
                Ok(())
            }
        }
    }

    /// Peels link layers and tags until an IP header begins, and reads that.
    #[inline]
    pub(super) fn reach_ip(
        &mut self,
        packet: PacketView<'a>,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        let (next, rest) = match link::begin(&packet) {
            Ok(begun) => begun,
            Err(skip) => return Err(self.with_cause(skip, packet.missing())),
        };
        self.follow(next, rest, visitor)
    }

    /// Peels what `rest` begins with until an IP header begins, and reads that.
    #[inline]
    fn follow(
        &mut self,
        mut next: Next,
        mut rest: Payload<'a>,
        visitor: &mut (impl LayerVisitor + ?Sized),
    ) -> Result<(), Skip> {
        for _ in 0..MAX_LAYERS {
            // One by one and not by a table, as most are the first.
            if next == Next::Ipv4 {
                visitor.ip_packet(rest.bytes);
                return self.ipv4(rest, visitor);
            }
            if next == Next::Ipv6 {
                visitor.ip_packet(rest.bytes);
                return self.ipv6(rest, visitor);
            }
            (next, rest) = match link::step(next, rest, visitor) {
                Ok(stepped) => stepped,
                Err(skip) => return Err(self.with_cause(skip, rest.missing)),
            };
        }
        Err(Skip::new(Layer::Link, Cause::TooDeep))
    }

    /// Goes on to the innermost IP packet that can be read, with its transport.
    ///
    /// A later fragment can be read but has no ports, so it ends the walk with an
    /// error: its flow is known when its datagram is whole.
    #[cold]
    #[inline(never)]
    fn enter_tunnels(&mut self, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        let mut inner = *self;
        for _ in 0..MAX_TUNNELS {
            match self.descend(&mut inner, &mut ()) {
                None => return Ok(()),
                Some(Err(skip)) if skip.cause != Cause::Fragment => {
                    visitor.unopened_tunnel(skip);
                    return Ok(());
                }
                Some(found) => {
                    if visitor.is_active() {
                        // A second walk: the visitor only gets what could be
                        // read.
                        let _ = self.descend(&mut inner, visitor);
                    }
                    found?;
                    *self = inner;
                }
            }
            if !self.may_be_tunnel() {
                return Ok(());
            }
        }
        if self.descend(&mut inner, &mut ()).is_some() {
            visitor.unopened_tunnel(Skip::new(Layer::Link, Cause::TooDeep));
        }
        Ok(())
    }

    /// Whether the packet may carry a tunnel.
    #[inline]
    fn may_be_tunnel(&self) -> bool {
        tunnel::is_possible(self.ip.protocol, self.ports, self.payload.bytes)
    }

    /// Fills in the packet inside this one, if it carries any.
    pub(super) fn descend(
        &self,
        inner: &mut Self,
        visitor: &mut dyn LayerVisitor,
    ) -> Option<Result<(), Skip>> {
        let (next, rest) = match tunnel::open(self, visitor)? {
            Ok(inside) => inside,
            Err(skip) => return Some(Err(skip)),
        };
        let found = inner.follow(next, rest, visitor);
        Some(found.and_then(|()| inner.transport()))
    }
}

/// Tunnels inside tunnels followed at the most.
pub(crate) const MAX_TUNNELS: usize = 8;
