//! One datagram that is not whole yet.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::assembly::{Added, Assembly, FragmentData, Span};
use super::list::Links;
use super::{FragmentConfig, Loss, Overlap};
use crate::Timestamp;
use crate::slab::slab_index;
use crate::wire::{Addr, IpFragment, IpProtocol, IpVersion, set_payload_len};

slab_index! {
    /// Where a datagram is held, until it is removed.
    pub(crate) struct DatagramIndex;
}

slab_index! {
    /// Where the sender of datagrams is kept.
    pub(super) struct SourceIndex;
}

/// The result of adding the bytes of a fragment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// They are new.
    Held,
    /// The same came before.
    Repeated,
    /// They overlap what came before: in IPv4 one of the two has won, in IPv6
    /// the datagram is given up.
    Overlapping,
    /// They cannot be where they claim to be.
    Refused,
    /// The datagram was given up before, or because of so many fragments.
    GivenUp,
}

/// What fragments of the same datagram have in common (RFC 791, section 3.2;
/// RFC 8200, section 4.5).
///
/// A fragment that comes is looked up by a borrowed scope; a datagram that is
/// held owns its scope, which is empty and takes no memory where keys have none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Identity<S> {
    pub(super) addrs: [Addr; 2],
    pub(super) version: IpVersion,
    /// The protocol in IPv4. In IPv6 only the first fragment's counts, so it
    /// is no part of the identity.
    protocol: u8,
    identification: u32,
    scope: S,
}

impl<'a> Identity<&'a [u8]> {
    pub(super) fn of(fragment: &IpFragment<'a>) -> Self {
        let IpProtocol(protocol) = fragment.protocol;
        Self {
            addrs: fragment.addrs,
            version: fragment.version,
            protocol: match fragment.version {
                IpVersion::V4 => protocol,
                IpVersion::V6 => 0,
            },
            identification: fragment.identification,
            scope: fragment.scope,
        }
    }

    pub(super) fn into_owned(self) -> Identity<Box<[u8]>> {
        self.with_scope(self.scope.into())
    }
}

impl Identity<Box<[u8]>> {
    pub(super) fn borrow(&self) -> Identity<&[u8]> {
        self.with_scope(&*self.scope)
    }

    /// Bytes of memory beside its own.
    fn memory(&self) -> usize {
        match self.scope.len() {
            0 => 0,
            len => len + ALLOCATION,
        }
    }
}

impl<S> Identity<S> {
    fn with_scope<T>(&self, scope: T) -> Identity<T> {
        Identity {
            addrs: self.addrs,
            version: self.version,
            protocol: self.protocol,
            identification: self.identification,
            scope,
        }
    }
}

/// A datagram that is not whole yet: its bytes, who owns it, or the arrivals
/// of its fragments until that is known.
#[derive(Debug)]
pub(super) struct Datagram<O, A> {
    pub(super) identity: Identity<Box<[u8]>>,
    pub(super) source: SourceIndex,
    pub(super) in_order: Links<DatagramIndex>,
    pub(super) by_source: Links<DatagramIndex>,
    /// Its place in the order in which datagrams began.
    pub(super) number: u64,
    pub(super) deadline: Timestamp,
    /// How many fragments its source had sent at its latest one.
    pub(super) fragments_seen: u32,
    pub(super) charge: usize,
    pub(super) owner: Option<O>,
    pub(super) arrivals: Vec<A>,
    /// Whether fragments overlapped since this was asked last.
    pub(super) has_overlap: bool,
    fragments: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Parts {
        header: Option<Header>,
        assembly: Assembly,
    },
    /// It will never be whole. It is kept so that its later fragments do not begin
    /// another one.
    GivenUp(Loss),
}

/// What goes before the payload, from the first fragment: everything but the
/// length.
#[derive(Debug)]
struct Header {
    bytes: Box<[u8]>,
    /// Where IP begins.
    ip_at: usize,
}

impl Header {
    fn new(link: &[u8], fragment: &IpFragment<'_>) -> Self {
        let mut bytes = Vec::from(link);
        fragment.write_header(&mut bytes);
        Self {
            bytes: bytes.into(),
            ip_at: link.len(),
        }
    }
}

impl<O, A> Datagram<O, A> {
    pub(super) fn new(
        identity: Identity<&[u8]>,
        source: SourceIndex,
        number: u64,
        deadline: Timestamp,
    ) -> Self {
        Self {
            identity: identity.into_owned(),
            source,
            in_order: Links::NONE,
            by_source: Links::NONE,
            number,
            deadline,
            fragments_seen: 0,
            charge: 0,
            owner: None,
            arrivals: Vec::new(),
            has_overlap: false,
            fragments: 0,
            content: Content::Parts {
                header: None,
                assembly: Assembly::default(),
            },
        }
    }

    /// Adds the bytes of a fragment that was found behind `link`.
    pub(super) fn add(
        &mut self,
        fragment: &IpFragment<'_>,
        link: &[u8],
        config: &FragmentConfig,
    ) -> Verdict {
        self.fragments = self.fragments.saturating_add(1);
        let Content::Parts { header, assembly } = &mut self.content else {
            return Verdict::GivenUp;
        };
        if self.fragments > config.max_fragments {
            self.content = Content::GivenUp(Loss::TooManyFragments);
            return Verdict::GivenUp;
        }
        let overlap = match fragment.version {
            IpVersion::V4 => Some(config.overlap),
            IpVersion::V6 => None,
        };
        let Some(data) = data(fragment, overlap) else {
            return Verdict::Refused;
        };
        let added = assembly.add(data, overlap);
        if fragment.is_first() && header.is_none() && added != Added::Impossible {
            *header = Some(Header::new(link, fragment));
        }
        self.has_overlap |= added == Added::Overlapping;
        match (added, fragment.version) {
            (Added::New, _) => Verdict::Held,
            (Added::Repeated, _) => Verdict::Repeated,
            (Added::Impossible, _) => Verdict::Refused,
            (Added::Overlapping, IpVersion::V4) => Verdict::Overlapping,
            (Added::Overlapping, IpVersion::V6) => {
                self.content = Content::GivenUp(Loss::Overlap);
                Verdict::Overlapping
            }
        }
    }

    /// Why it will never be whole, if that is certain.
    pub(super) fn loss(&self) -> Option<Loss> {
        match self.content {
            Content::Parts { .. } => None,
            Content::GivenUp(loss) => Some(loss),
        }
    }

    /// Whether all of its bytes came, or as much of them as was captured.
    pub(super) fn is_whole(&self) -> bool {
        match &self.content {
            Content::Parts {
                header: Some(_),
                assembly,
            } => assembly.is_whole(),
            Content::Parts { header: None, .. } | Content::GivenUp(_) => false,
        }
    }

    /// Writes the packet that it is the payload of into `out`, behind the link
    /// layer and up to where bytes are missing; says how long all of it is.
    /// `None` before the first fragment came.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Option<u32> {
        let Content::Parts {
            header: Some(header),
            assembly,
        } = &self.content
        else {
            return None;
        };
        let len = assembly.len();
        out.reserve_exact(header.bytes.len() + len as usize);
        out.extend_from_slice(&header.bytes);
        let ip = out.get_mut(header.ip_at..).unwrap_or_default();
        set_payload_len(self.identity.version, ip, len);
        assembly.write(out);
        // No header is as long as that.
        Some(header.bytes.len() as u32 + len)
    }

    /// Bytes of memory beside its own.
    pub(super) fn memory(&self) -> usize {
        /// The four buffers that are there with or without a scope.
        const OVERHEAD: usize = 4 * ALLOCATION;
        let content = match &self.content {
            Content::Parts { header, assembly } => {
                let header = header.as_ref().map_or(0, |header| header.bytes.len());
                header + assembly.memory()
            }
            Content::GivenUp(_) => 0,
        };
        OVERHEAD + self.identity.memory() + content + self.arrivals.capacity() * size_of::<A>()
    }
}

/// The bytes that a fragment brings, unless its length is impossible.
fn data<'a>(fragment: &IpFragment<'a>, overlap: Option<Overlap>) -> Option<FragmentData<'a>> {
    const UNIT: u32 = 8;
    let len = match (fragment.payload.wire_len(), overlap) {
        (len, _) if !fragment.more => len,
        (len, Some(Overlap::Linux)) => len - len % UNIT,
        (len, _) if len % UNIT == 0 => len,
        _ => return None,
    };
    if len == 0 && fragment.more {
        return None;
    }
    let end = u32::from(fragment.offset).checked_add(len)?;
    if end > fragment.room() {
        return None;
    }
    Some(FragmentData {
        span: Span::new(fragment.offset, u16::try_from(end).ok()?),
        captured: fragment.payload.bytes,
        is_last: !fragment.more,
    })
}

/// What an allocator may need for a buffer beside its bytes.
const ALLOCATION: usize = 16;
