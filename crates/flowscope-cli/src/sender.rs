//! Who sent a message of HTTP.

use flowscope::http::{HttpMessage, Transfer};
use flowscope::session::Input;
use flowscope::{BySide, FlowSide, Timestamp};

/// Tells who sent the messages of one connection.
///
/// They do not say it themselves, but requests come from one side and responses
/// from the other, so who sent the first message sent them all. That is, most
/// often, who is being listened to as it comes. Where both sides spoke before,
/// and nobody understood them yet, the message is theirs that began when it did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Senders {
    /// When each side began to speak.
    began: BySide<Option<Timestamp>>,
    /// Who sends the requests, once that is known.
    client: Option<FlowSide>,
}

impl Senders {
    /// Notes that somebody speaks.
    #[inline]
    pub(crate) fn speaks(&mut self, input: Input<'_>) {
        self.began[input.side].get_or_insert(input.at);
    }

    /// Who sent `message`, which came up while `speaker` was listened to; `None`
    /// for what is nobody's.
    pub(crate) fn of(&mut self, message: &HttpMessage, speaker: FlowSide) -> Option<FlowSide> {
        match message {
            HttpMessage::Request(request) => Some(
                *self
                    .client
                    .get_or_insert_with(|| sender(self.began, &request.transfer, speaker)),
            ),
            HttpMessage::Response(response) => {
                let client = self
                    .client
                    .get_or_insert_with(|| sender(self.began, &response.transfer, speaker).peer());
                Some(client.peer())
            }
            HttpMessage::Anomaly(anomaly) => Some(anomaly.side),
            // What is inside has clients of its own.
            HttpMessage::Tunnel(_) => {
                *self = Self::default();
                None
            }
            _ => None,
        }
    }
}

/// Who sent the first message.
fn sender(began: BySide<Option<Timestamp>>, message: &Transfer, speaker: FlowSide) -> FlowSide {
    let is_from = |side: FlowSide| began[side] == Some(message.started);
    match is_from(speaker.peer()) && !is_from(speaker) {
        true => speaker.peer(),
        false => speaker,
    }
}
