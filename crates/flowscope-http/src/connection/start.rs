//! From anything to the end of a head.

use core::mem;

use flowscope_core::FlowSide;

use super::half::{FirstLine, State};
use super::{Call, Connection};
use crate::head::{self, Head};
use crate::start_line::{Form, HTTP2, StartLine, Wanted, is_header_line, without_line_end};
use crate::words::is_control;
use crate::{HttpAnomalyKind, TunnelKind, lenient};

impl Connection {
    /// Reads a head: at once if it lies whole in `bytes`, or else line by line.
    pub(super) fn start<'a>(
        &mut self,
        bytes: &'a [u8],
        tentative: bool,
        call: &mut Call<'_>,
    ) -> &'a [u8] {
        let (max_head, max_headers) = limits(call);
        let half = &mut self.halves[call.side];
        let mut bytes = bytes;
        if half.held.is_empty() {
            // RFC 9112, section 2.2: empty lines before a request.
            let blank = |byte: &u8| !matches!(byte, b'\r' | b'\n');
            let Some(first) = bytes.iter().position(blank) else {
                return &[];
            };
            bytes = bytes.get(first..).unwrap_or_default();
            half.arrivals.push(0, call.at);
            let within = bytes.get(..max_head).unwrap_or(bytes);
            if let Some((head, len)) = head::whole(within, max_headers) {
                self.begin(head, call);
                return bytes.get(len..).unwrap_or_default();
            }
        }
        let room = max_head.saturating_sub(half.held.len());
        let (piece, _) = up_to_line_end(bytes.get(..room).unwrap_or(bytes));
        let rest = bytes.get(piece.len()..).unwrap_or_default();
        half.hold(piece, call.at);
        let is_first = half.line == 0 && !tentative;
        if piece.ends_with(b"\n") {
            self.line(tentative, call);
        } else if is_first && !may_become_start_line(&half.held, piece) {
            self.not_a_start_line(call);
        } else if !rest.is_empty() {
            self.too_long(call);
        }
        rest
    }

    /// Takes the line that is now whole.
    fn line(&mut self, tentative: bool, call: &mut Call<'_>) {
        let half = &mut self.halves[call.side];
        let line = half.held.get(half.line..).unwrap_or_default();
        let content = without_line_end(line);
        if half.line == 0 {
            let longest = longest_found(call);
            let start = StartLine::parse(line)
                .filter(|(start, form)| !start.may_hide_another(*form, line, longest));
            if tentative || start.is_some() {
                half.line = half.held.len();
                half.first_line = match start {
                    Some((_, Form::Simple)) if !tentative => FirstLine::Simple,
                    Some((start, Form::Doubtful)) if !tentative => FirstLine::Doubtful {
                        is_known: start.is_known(),
                    },
                    _ => FirstLine::Sure,
                };
            } else if content == HTTP2 {
                self.leave(TunnelKind::Http2, None, None, call);
            } else {
                self.not_a_start_line(call);
                self.search_held(call);
            }
            return;
        }
        match half.first_line {
            FirstLine::Doubtful { is_known: false } if content.is_empty() => self.no_request(call),
            _ if content.is_empty() => self.held_head(call),
            FirstLine::Simple if !is_header_line(content) => {
                let (mut line, mut arrivals) = half.take_held();
                half.held = line.drain(..half.line).collect();
                half.arrivals = arrivals.clone();
                arrivals.drain(half.line);
                self.held_line(call.side, call);
                self.replay(&line, &arrivals, call);
            }
            FirstLine::Doubtful { .. } if !is_header_line(content) => self.no_request(call),
            FirstLine::Sure if tentative && !is_header_line(content) => {
                // What was found was no start line. This may be one.
                half.drop_held(half.line);
                half.line = 0;
                half.state = State::Search { at_line: true };
                self.search_held(call);
            }
            FirstLine::Sure | FirstLine::Simple | FirstLine::Doubtful { .. } => {
                half.first_line = FirstLine::Sure;
                half.line = half.held.len();
            }
        }
    }

    /// What might have been a request is none. The line behind it may begin a
    /// message.
    fn no_request(&mut self, call: &mut Call<'_>) {
        self.not_a_start_line(call);
        let half = &mut self.halves[call.side];
        half.drop_held(half.line);
        half.line = 0;
        half.first_line = FirstLine::Sure;
        self.search_held(call);
    }

    /// Gives the request without headers that `side` sent, if it is one: the
    /// other side answers, or it is over.
    pub(super) fn settle_simple(&mut self, side: FlowSide, call: &mut Call<'_>) {
        if self.halves[side].first_line == FirstLine::Simple {
            self.held_line(side, call);
        }
    }

    /// Gives the line that `side` sent, as it is answered in HTTP.
    pub(super) fn settle_doubtful(&mut self, side: FlowSide, call: &mut Call<'_>) {
        if matches!(self.halves[side].first_line, FirstLine::Doubtful { .. }) {
            self.held_line(side, call);
        }
    }

    /// Gives a request that is one line, and was over with it.
    fn held_line(&mut self, side: FlowSide, call: &mut Call<'_>) {
        let half = &self.halves[side];
        // Half a line behind it is none of it.
        if half.line < half.held.len() {
            return;
        }
        let came = half.arrivals.of(half.line.saturating_sub(1));
        let now = mem::replace(&mut call.at, came);
        let answering = mem::replace(&mut call.side, side);
        self.held_head(call);
        (call.side, call.at) = (answering, now);
    }

    /// The head that is held is whole.
    fn held_head(&mut self, call: &mut Call<'_>) {
        let (_, max_headers) = limits(call);
        let half = &mut self.halves[call.side];
        half.first_line = FirstLine::Sure;
        match head::any(&half.held, max_headers) {
            Some(head) => self.begin(head, call),
            None => self.lose(call),
        }
    }

    /// A message begins here that is none.
    fn not_a_start_line(&mut self, call: &mut Call<'_>) {
        let half = &mut self.halves[call.side];
        half.state = State::Search { at_line: true };
        if half.begun {
            call.anomaly(HttpAnomalyKind::NotAStartLine);
        }
    }

    fn too_long(&mut self, call: &mut Call<'_>) {
        let half = &self.halves[call.side];
        if half.begun || half.line > 0 {
            call.anomaly(HttpAnomalyKind::HeadTooLong);
        }
        self.partial(call);
        let half = &mut self.halves[call.side];
        half.drop_held(half.line);
        half.line = 0;
        half.first_line = FirstLine::Sure;
        half.state = State::Search { at_line: true };
    }

    /// Gives the message whose head is cut short after some lines, or in the
    /// first.
    pub(super) fn partial(&mut self, call: &mut Call<'_>) {
        let (_, max_headers) = limits(call);
        let half = &self.halves[call.side];
        let is_doubtful = matches!(half.first_line, FirstLine::Doubtful { .. });
        if is_doubtful && self.client != Some(call.side) {
            return;
        }
        if half.line == 0 {
            let head = lenient::read_cut(&half.held);
            return self.give_cut(head, call);
        }
        let lines = half.held.get(..half.line).unwrap_or_default();
        if let Some(head) = lenient::read(lines, max_headers) {
            self.prepare(head, call);
            self.cut(call);
        }
    }

    /// The same, of a side of which messages were read before: what is held
    /// while looking for the next begins with a line, or behind a hole.
    pub(super) fn partial_found(&mut self, call: &mut Call<'_>) {
        let wanted = self.wanted(call.side);
        let half = &self.halves[call.side];
        let fits = |head: &Head| match wanted {
            Wanted::Requests => head.status.is_none(),
            Wanted::Responses => head.status.is_some(),
            Wanted::Either => false,
        };
        if half.begun {
            let head = lenient::read_cut(&half.held).filter(fits);
            self.give_cut(head, call);
        }
    }

    fn give_cut(&mut self, head: Option<Head>, call: &mut Call<'_>) {
        if let Some(head) = head {
            self.prepare_cut(head, call);
            self.cut(call);
        }
    }

    /// Looks for a start line, line by line.
    pub(super) fn search<'a>(
        &mut self,
        bytes: &'a [u8],
        at_line: bool,
        call: &Call<'_>,
    ) -> &'a [u8] {
        let wanted = self.wanted(call.side);
        let (piece, rest) = up_to_line_end(bytes);
        self.searched = self.searched.saturating_add(piece.len() as u64);
        let half = &mut self.halves[call.side];
        if !piece.ends_with(b"\n") {
            self.hold_for_search(piece, call);
            return rest;
        }
        if half.held.is_empty() {
            let Some(found) = StartLine::find(piece, wanted, at_line, longest_found(call)) else {
                half.state = State::Search { at_line: true };
                return rest;
            };
            half.state = State::Start { tentative: true };
            return bytes.get(found..).unwrap_or_default();
        }
        self.hold_for_search(piece, call);
        self.search_held(call);
        rest
    }

    /// Looks for a start line in the line that is held.
    fn search_held(&mut self, call: &Call<'_>) {
        let wanted = self.wanted(call.side);
        let half = &mut self.halves[call.side];
        let at_line = half.state == State::Search { at_line: true };
        match StartLine::find(&half.held, wanted, at_line, longest_found(call)) {
            Some(found) => {
                half.drop_held(found);
                half.line = half.held.len();
                half.state = State::Start { tentative: true };
            }
            None => {
                half.release();
                half.state = State::Search { at_line: true };
            }
        }
    }

    /// Keeps what may be part of a start line: nothing before a control
    /// character, nor far from the end.
    fn hold_for_search(&mut self, piece: &[u8], call: &Call<'_>) {
        let half = &mut self.halves[call.side];
        let most = longest_found(call) + LINE_END;
        let near = piece.len().saturating_sub(most);
        let content = without_line_end(piece);
        let clean = content
            .strip_suffix(b"\r")
            .unwrap_or(content)
            .iter()
            .rposition(|byte| is_control(*byte))
            .map_or(0, |control| control + 1);
        let from = near.max(clean);
        if from > 0 {
            half.held.clear();
            half.state = State::Search { at_line: false };
        }
        half.hold(piece.get(from..).unwrap_or_default(), call.at);
        if half.held.len() > 2 * most {
            half.drop_held(half.held.len() - most);
            half.state = State::Search { at_line: false };
        }
    }

    /// A head is read.
    fn begin(&mut self, head: Head, call: &mut Call<'_>) {
        let half = &mut self.halves[call.side];
        half.release();
        let next = self.prepare(head, call);
        self.proceed(next, call);
    }
}

fn limits(call: &Call<'_>) -> (usize, usize) {
    let config = call.config;
    (config.max_head as usize, config.max_headers as usize)
}

/// How far back from its end a start line is looked for, so that it fits.
fn longest_found(call: &Call<'_>) -> usize {
    let (max_head, _) = limits(call);
    max_head.saturating_sub(LINE_END).min(LONGEST_FOUND)
}

/// `bytes` up to their first LF, with it, and what follows.
pub(super) fn up_to_line_end(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |end| end + 1);
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

/// Whether a line that begins with `held`, and went on with `piece`, may become
/// a start line.
fn may_become_start_line(held: &[u8], piece: &[u8]) -> bool {
    let is_odd = |byte: &u8| is_control(*byte) && !matches!(byte, b'\t' | b'\r');
    if !StartLine::may_begin(held) {
        return false;
    }
    // All before this piece was looked at.
    match piece.iter().position(is_odd) {
        None => true,
        Some(at) => {
            let before = held.len().saturating_sub(piece.len()) + at;
            let (before, from) = held.split_at_checked(before).unwrap_or_default();
            StartLine::may_go_on(before, from)
        }
    }
}

const LINE_END: usize = b"\r\n".len();

/// A start line in the middle of something is not looked for further back
/// than this from its end.
const LONGEST_FOUND: usize = 8 << 10;
