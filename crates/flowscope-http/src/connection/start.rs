//! From anything to the end of a head.

use core::mem;

use flowscope_core::FlowSide;

use super::direction::{Direction, FirstLine, State};
use super::{Connection, Context};
use crate::grammar::is_control;
use crate::head::{self, Head};
use crate::start_line::{
    ExpectedMessage, Form, HTTP2, StartLine, is_header_line, without_line_end,
};
use crate::{HttpAnomalyKind, TunnelKind, lenient};

impl Connection {
    /// Reads a head: at once if it lies whole in `bytes`, or else line by line.
    pub(super) fn start<'a>(
        &mut self,
        bytes: &'a [u8],
        first_line: FirstLine,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let (max_head, max_headers) = limits(context);
        let direction = &mut self.directions[context.side];
        let mut bytes = bytes;
        if direction.buffer.is_empty() {
            // RFC 9112, section 2.2: empty lines before a request.
            let blank = |byte: &u8| !matches!(byte, b'\r' | b'\n');
            let Some(first) = bytes.iter().position(blank) else {
                return &[];
            };
            bytes = bytes.get(first..).unwrap_or_default();
            direction.arrival_times.push(0, context.at);
            let within = bytes.get(..max_head).unwrap_or(bytes);
            if let Some((head, len)) = head::whole(within, max_headers) {
                self.read_head(head, context);
                return bytes.get(len..).unwrap_or_default();
            }
        }
        let room = max_head.saturating_sub(direction.buffer.len());
        let (piece, _) = up_to_line_end(bytes.get(..room).unwrap_or(bytes));
        let rest = bytes.get(piece.len()..).unwrap_or_default();
        direction.push(piece, context.at);
        let is_first = direction.line == 0 && first_line != FirstLine::Tentative;
        if piece.ends_with(b"\n") {
            self.read_line(first_line, context);
        } else if is_first && !direction.may_become_start_line(piece.len()) {
            self.not_a_start_line(context);
            self.trim(context);
        } else if !rest.is_empty() {
            self.too_long(context);
        }
        rest
    }

    /// Reads the line at the end of the buffer, which is now whole.
    fn read_line(&mut self, first_line: FirstLine, context: &mut Context<'_>) {
        let direction = &mut self.directions[context.side];
        if direction.line == 0 {
            return self.read_first_line(first_line, context);
        }
        let line = direction.buffer.get(direction.line..).unwrap_or_default();
        let content = without_line_end(line);
        let is_header = is_header_line(content);
        match first_line {
            FirstLine::Ambiguous { is_known: false } if content.is_empty() => {
                self.reject_request(context);
            }
            _ if content.is_empty() => self.finish_head(context),
            FirstLine::Simple if !is_header => {
                // The request was over with its line, and this line begins
                // something else.
                let (mut line, mut arrival_times) = direction.take_buffer();
                direction.buffer = line.drain(..direction.line).collect();
                direction.arrival_times = arrival_times.clone();
                arrival_times.drain(direction.line);
                self.finish_line(context.side, context);
                self.replay(&line, &arrival_times, context);
            }
            FirstLine::Ambiguous { .. } if !is_header => self.reject_request(context),
            FirstLine::Tentative if !is_header => {
                // What was found was no start line. This line may be one.
                let searched = direction.line;
                direction.discard_lines();
                direction.state = State::Resync { at_line: true };
                self.count_searched(searched, context);
                self.search_buffer(context);
            }
            FirstLine::Tentative => direction.line = direction.buffer.len(),
            FirstLine::Certain | FirstLine::Simple | FirstLine::Ambiguous { .. } => {
                direction.state = State::START;
                direction.line = direction.buffer.len();
            }
        }
    }

    /// Reads the first line of a head, which is all that is in the buffer.
    fn read_first_line(&mut self, first_line: FirstLine, context: &mut Context<'_>) {
        let longest = longest_found(context);
        let direction = &mut self.directions[context.side];
        let line = &direction.buffer[..];
        let start = StartLine::parse(line)
            .filter(|(start, form)| !start.may_hide_another(*form, line, longest));
        let first_line = match (first_line, start) {
            (FirstLine::Tentative, _) => FirstLine::Tentative,
            (_, Some((_, Form::Simple))) => FirstLine::Simple,
            (_, Some((start, Form::Ambiguous))) => FirstLine::Ambiguous {
                is_known: start.is_known(),
            },
            (_, Some(_)) => FirstLine::Certain,
            (_, None) if without_line_end(line) == HTTP2 => {
                return self.enter_tunnel(TunnelKind::Http2, None, None, context);
            }
            (_, None) => {
                self.not_a_start_line(context);
                return self.search_buffer(context);
            }
        };
        direction.line = direction.buffer.len();
        direction.state = State::Head(first_line);
    }

    /// What might have been a request is none. The line behind it may begin a
    /// message.
    fn reject_request(&mut self, context: &mut Context<'_>) {
        self.not_a_start_line(context);
        self.directions[context.side].discard_lines();
        self.search_buffer(context);
    }

    /// Reports the request of one line that `side` sent, if it sent one: the
    /// other side answers, or `side` has ended, so that no headers follow.
    pub(super) fn confirm_simple(&mut self, side: FlowSide, context: &mut Context<'_>) {
        if self.directions[side].state == State::Head(FirstLine::Simple) {
            self.finish_line(side, context);
        }
    }

    /// Reports the line that `side` sent as a request, as it is answered in HTTP.
    pub(super) fn confirm_ambiguous(&mut self, side: FlowSide, context: &mut Context<'_>) {
        let state = self.directions[side].state;
        if matches!(state, State::Head(FirstLine::Ambiguous { .. })) {
            self.finish_line(side, context);
        }
    }

    /// Reports a request that is one line, and was over with it.
    fn finish_line(&mut self, side: FlowSide, context: &mut Context<'_>) {
        let direction = &self.directions[side];
        // Direction a line behind it is none of it.
        if direction.line < direction.buffer.len() {
            return;
        }
        let came = direction.arrival_times.of(direction.line.saturating_sub(1));
        let now = mem::replace(&mut context.at, came);
        let answering = mem::replace(&mut context.side, side);
        self.finish_head(context);
        (context.side, context.at) = (answering, now);
    }

    /// Reads the head in the buffer, which is whole.
    fn finish_head(&mut self, context: &mut Context<'_>) {
        let (_, max_headers) = limits(context);
        let direction = &mut self.directions[context.side];
        match head::any(&direction.buffer, max_headers) {
            Some(head) => self.read_head(head, context),
            None => self.resync(context),
        }
    }

    /// Where a message should begin, none does.
    fn not_a_start_line(&mut self, context: &mut Context<'_>) {
        let direction = &mut self.directions[context.side];
        direction.state = State::Resync { at_line: true };
        if direction.has_begun {
            context.anomaly(HttpAnomalyKind::NotAStartLine);
        }
    }

    fn too_long(&mut self, context: &mut Context<'_>) {
        let direction = &self.directions[context.side];
        if direction.has_begun || direction.line > 0 {
            context.anomaly(HttpAnomalyKind::HeadTooLong);
        }
        self.finish_cut_head(context);
        let direction = &mut self.directions[context.side];
        direction.discard_lines();
        direction.state = State::Resync { at_line: true };
    }

    /// Reports the message whose head is cut short after some lines, or in the
    /// first one.
    pub(super) fn finish_cut_head(&mut self, context: &mut Context<'_>) {
        let (_, max_headers) = limits(context);
        let direction = &self.directions[context.side];
        let is_ambiguous = matches!(direction.state, State::Head(FirstLine::Ambiguous { .. }));
        if is_ambiguous && self.client != Some(context.side) {
            return;
        }
        if direction.line == 0 {
            let head = lenient::read_cut(&direction.buffer);
            return self.finish_cut(head, context);
        }
        let lines = direction.buffer.get(..direction.line).unwrap_or_default();
        if let Some(head) = lenient::read(lines, max_headers) {
            self.start_message(head, context);
            self.finish_incomplete(context);
        }
    }

    /// The same while the next start line is searched for: what is in the buffer
    /// begins with a line, or behind missing bytes.
    pub(super) fn finish_cut_line(&mut self, context: &mut Context<'_>) {
        let expected = self.expected(context.side);
        let direction = &self.directions[context.side];
        let fits = |head: &Head| match expected {
            ExpectedMessage::Requests => head.status.is_none(),
            ExpectedMessage::Responses => head.status.is_some(),
            ExpectedMessage::Either => false,
        };
        if direction.has_begun {
            let head = lenient::read_cut(&direction.buffer).filter(fits);
            self.finish_cut(head, context);
        }
    }

    fn finish_cut(&mut self, head: Option<Head>, context: &mut Context<'_>) {
        if let Some(head) = head {
            self.start_cut_message(head, context);
            self.finish_incomplete(context);
        }
    }

    /// Searches for a start line, line by line.
    pub(super) fn search<'a>(
        &mut self,
        bytes: &'a [u8],
        at_line: bool,
        context: &Context<'_>,
    ) -> &'a [u8] {
        let (piece, rest) = up_to_line_end(bytes);
        let direction = &mut self.directions[context.side];
        if piece.ends_with(b"\n") && direction.buffer.is_empty() {
            return match self.find_start(piece, at_line, context) {
                Some(found) => {
                    self.directions[context.side].state = State::Head(FirstLine::Tentative);
                    bytes.get(found..).unwrap_or_default()
                }
                None => {
                    self.directions[context.side].state = State::Resync { at_line: true };
                    rest
                }
            };
        }
        self.buffer_for_search(piece, context);
        if piece.ends_with(b"\n") {
            self.search_buffer(context);
        }
        rest
    }

    /// Searches for a start line in the line that is in the buffer.
    fn search_buffer(&mut self, context: &Context<'_>) {
        let direction = &mut self.directions[context.side];
        let at_line = direction.state == State::Resync { at_line: true };
        let line = mem::take(&mut direction.buffer);
        let found = self.find_start(&line, at_line, context);
        let direction = &mut self.directions[context.side];
        direction.buffer = line;
        match found {
            Some(found) => {
                direction.discard(found);
                direction.line = direction.buffer.len();
                direction.state = State::Head(FirstLine::Tentative);
            }
            None => {
                direction.clear_buffer();
                direction.state = State::Resync { at_line: true };
            }
        }
    }

    /// Where in a line a start line begins, unless enough was searched before
    /// that.
    ///
    /// What counts is in front of where one may begin, or was found to have none:
    /// so it makes no difference in which pieces a line comes.
    fn find_start(&mut self, line: &[u8], at_line: bool, context: &Context<'_>) -> Option<usize> {
        let longest = longest_found(context);
        let before = StartLine::earliest(line, longest);
        self.count_searched(before, context);
        if self.is_past_limit(context) {
            return None;
        }
        let expected = self.expected(context.side);
        let found = StartLine::find(line, expected, at_line, longest);
        if found.is_none() {
            self.count_searched(line.len() - before, context);
        }
        found
    }

    fn count_searched(&mut self, bytes: usize, context: &Context<'_>) {
        let searched = &mut self.searched[context.side];
        *searched = searched.saturating_add(bytes as u64);
    }

    /// Buffers what may be part of a start line: nothing in front of a control
    /// character, and nothing far from the end.
    fn buffer_for_search(&mut self, piece: &[u8], context: &Context<'_>) {
        let direction = &mut self.directions[context.side];
        let before = direction.buffer.len() + piece.len();
        let most = longest_found(context) + LINE_END;
        let near = piece.len().saturating_sub(most);
        let from = near.max(behind_control(piece));
        if from > 0 {
            direction.buffer.clear();
            direction.state = State::Resync { at_line: false };
        }
        // This may have been part of the line's end, or not.
        let had_return = direction.buffer.ends_with(b"\r");
        direction.push(piece.get(from..).unwrap_or_default(), context.at);
        let dropped = before - direction.buffer.len();
        self.count_searched(dropped, context);
        if had_return || before - dropped > 2 * most {
            self.trim(context);
        }
    }

    /// Removes from the buffer what is no part of a start line.
    fn trim(&mut self, context: &Context<'_>) {
        let most = longest_found(context) + LINE_END;
        let direction = &mut self.directions[context.side];
        let near = match direction.buffer.len() {
            len if len > 2 * most => len - most,
            _ => 0,
        };
        let from = near.max(behind_control(&direction.buffer));
        if from > 0 {
            direction.discard(from);
            direction.state = State::Resync { at_line: false };
            self.count_searched(from, context);
        }
    }

    /// A whole head was read.
    fn read_head(&mut self, head: Head, context: &mut Context<'_>) {
        let direction = &mut self.directions[context.side];
        direction.clear_buffer();
        direction.state = State::START;
        let next = self.start_message(head, context);
        self.start_body(next, context);
    }
}

fn limits(context: &Context<'_>) -> (usize, usize) {
    let config = context.config;
    (config.max_head as usize, config.max_headers as usize)
}

/// How far back from the end of a line a start line is searched for, so that it
/// fits into the buffer.
fn longest_found(context: &Context<'_>) -> usize {
    let (max_head, _) = limits(context);
    max_head.saturating_sub(LINE_END).min(LONGEST_FOUND)
}

/// Where what is behind the last control character of a line begins. Those at its
/// end do not count.
fn behind_control(line: &[u8]) -> usize {
    let content = without_line_end(line);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    let control = content.iter().rposition(|byte| is_control(*byte));
    control.map_or(0, |control| control + 1)
}

/// `bytes` up to their first LF, with it, and what follows.
pub(super) fn up_to_line_end(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |end| end + 1);
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

impl Direction {
    /// Whether the line in the buffer, of which the last bytes came just now, may
    /// become a start line.
    ///
    /// As for a whole line, its first control character decides.
    fn may_become_start_line(&mut self, came: usize) -> bool {
        let line = &self.buffer[..];
        let before = line.len().saturating_sub(came);
        let is_odd = |byte: &u8| is_control(*byte) && !matches!(byte, b'\t' | b'\r');
        if !StartLine::may_begin(line) {
            return false;
        }
        let odd = match self.has_control {
            true => None,
            false => line.iter().skip(before).position(is_odd),
        };
        let Some(at) = odd else {
            return true;
        };
        self.has_control = true;
        let (before, from) = line.split_at_checked(before + at).unwrap_or_default();
        StartLine::may_go_on(before, from)
    }
}

const LINE_END: usize = b"\r\n".len();

/// A start line in the middle of something is not searched for further back than
/// this from the end of its line.
const LONGEST_FOUND: usize = 8 << 10;
