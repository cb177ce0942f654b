//! A situation and what comes of it.

use flowscope::EngineConfig;
use flowscope_fixtures::{Conversation, Frame, address};

/// Cases of one kind.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) cases: Vec<Case>,
}

/// A situation.
pub(crate) struct Case {
    /// What is sent.
    pub(crate) title: String,
    /// Who says what receivers do.
    pub(crate) source: &'static str,
    pub(crate) frames: Vec<Frame>,
    pub(crate) config: EngineConfig,
    pub(crate) as_what: As,
    /// What receivers read, by kind of receiver.
    pub(crate) receivers: Vec<(String, Vec<String>)>,
    /// What is read here.
    pub(crate) read: Vec<String>,
    /// What is reported here.
    pub(crate) reported: Vec<String>,
}

/// As what the payload of a case is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum As {
    /// As the bytes that they are.
    Bytes,
    /// As messages of whatever protocol it is.
    Messages,
}

impl Section {
    pub(crate) fn new(title: &'static str, cases: Vec<Case>) -> Self {
        Self { title, cases }
    }
}

impl Case {
    /// A case of bytes that every receiver reads in the same way, and so do we,
    /// without a word.
    pub(crate) fn bytes(title: impl Into<String>, source: &'static str, read: &[&str]) -> Self {
        Self {
            title: title.into(),
            source,
            frames: Vec::new(),
            config: EngineConfig::default(),
            as_what: As::Bytes,
            receivers: vec![("every receiver".to_owned(), owned(read))],
            read: owned(read),
            reported: Vec::new(),
        }
    }

    /// The same of messages.
    pub(crate) fn messages(title: impl Into<String>, source: &'static str, read: &[&str]) -> Self {
        Self {
            as_what: As::Messages,
            ..Self::bytes(title, source, read)
        }
    }

    pub(crate) fn of(mut self, talk: &Conversation) -> Self {
        self.frames = talk.frames();
        self
    }

    pub(crate) fn of_frames(mut self, frames: Vec<Frame>) -> Self {
        self.frames = frames;
        self
    }

    pub(crate) fn with_config(mut self, config: EngineConfig) -> Self {
        self.config = config;
        self
    }

    /// Receivers of one kind read something else.
    pub(crate) fn but(mut self, receiver: &'static str, read: &[&str]) -> Self {
        self.receivers[0].0 = "others".to_owned();
        self.receivers.insert(0, (receiver.to_owned(), owned(read)));
        self
    }

    /// Something else is read here than receivers read.
    pub(crate) fn here(mut self, read: &[&str]) -> Self {
        self.read = owned(read);
        self
    }

    pub(crate) fn reported(mut self, reported: &[&str]) -> Self {
        self.reported = owned(reported);
        self
    }
}

fn owned(text: &[&str]) -> Vec<String> {
    text.iter().map(|line| (*line).to_owned()).collect()
}

/// A connection between the usual two, not yet begun.
pub(crate) fn unopened() -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
}

/// The same, open.
pub(crate) fn talk() -> Conversation {
    unopened().handshake()
}
