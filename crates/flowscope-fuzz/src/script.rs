//! What happens on a flow, written down in bytes.

use core::time::Duration;

use flowscope::FlowSide;
use flowscope::session::Close;

/// What happens on one flow.
///
/// The first byte says how streams are cut, the second which settings are used,
/// the next four are ports. Each step begins with a byte that says what it is and
/// whose; data have their length behind it.
pub(crate) struct Script<'a> {
    /// Data are cut into pieces of so many bytes.
    pub(crate) piece: usize,
    /// Which settings are used.
    pub(crate) settings: u8,
    pub(crate) ports: [u16; 2],
    rest: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Data(FlowSide, &'a [u8]),
    Gap(FlowSide, u64),
    Wait(Duration),
    End(FlowSide, Close),
}

impl<'a> Script<'a> {
    /// `None` where there is nothing in it.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[piece, settings, a, b, c, d], rest) = bytes.split_first_chunk::<6>()?;
        Some(Self {
            piece: usize::from(piece) % 40 + 1,
            settings,
            ports: [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])],
            rest,
        })
    }

    /// The steps, one after the other.
    pub(crate) fn steps(&self) -> Steps<'a> {
        Steps { rest: self.rest }
    }
}

/// The steps of a [`Script`].
pub(crate) struct Steps<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let (&[kind, number], rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        let side = FlowSide::BOTH[usize::from(kind & 1)];
        Some(match kind >> 1 & 7 {
            0..=3 => Step::Data(side, self.take(usize::from(number))),
            4 => {
                let len = self.take(1).first().copied().unwrap_or(0);
                let len = u16::from_be_bytes([number, len]);
                Step::Data(side, self.take(usize::from(len)))
            }
            5 => Step::Gap(side, u64::from(number) + 1),
            6 => Step::Wait(Duration::from_millis(100 * u64::from(number))),
            _ => Step::End(
                side,
                [Close::Fin, Close::Reset, Close::Lost][usize::from(number % 3)],
            ),
        })
    }
}

impl<'a> Steps<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// Writes a script down, for a seed.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(ports: [u16; 2]) -> Self {
        let mut bytes = vec![6, 0];
        bytes.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        Self(bytes)
    }

    pub(crate) fn data(&mut self, side: FlowSide, bytes: &[u8]) {
        for bytes in bytes.chunks(usize::from(u16::MAX)) {
            let [high, low] = (bytes.len() as u16).to_be_bytes();
            self.0.push(4 << 1 | u8::from(side == FlowSide::Responder));
            self.0.extend([high, low]);
            self.0.extend(bytes);
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}
