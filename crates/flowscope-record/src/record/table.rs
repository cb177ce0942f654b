//! What follows from the table of records.

/// Makes [`Record`](crate::Record) of rows: those of a type of their own, which is
/// a [`RecordKind`](super::RecordKind), and those of a protocol's messages, which
/// are [recorded](super::RecordedMessage). Each of these has the name that it has in
/// `flowscope_detect::Message`.
macro_rules! records {
    (
        kinds: {
            $($(#[$doc:meta])* $kind:ident($record:ty) $(called $name:literal)?,)*
        }
        messages: {
            $($(#[$message_doc:meta])* $protocol:ident($message:ty),)*
        }
    ) => {
        /// A record of any kind.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        #[allow(
            clippy::large_enum_variant,
            reason = "records are handed on one by one; boxing them would allocate for each"
        )]
        pub enum Record {
            $($(#[$doc])* $kind($record),)*
            $($(#[$message_doc])* $protocol(MessageRecord<$message>),)*
        }

        impl Record {
            /// The value of its field `type`, such as `flow` or `http_request`.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(record) => None$(.or(Some($name)))?.unwrap_or(record.kind()),)*
                    $(Self::$protocol(record) => record.kind(),)*
                }
            }

            /// When it happened; `None` for a capture without packets.
            #[must_use]
            pub fn at(&self) -> Option<Timestamp> {
                match self {
                    $(Self::$kind(record) => record.at(),)*
                    $(Self::$protocol(record) => record.at(),)*
                }
            }

            /// The flow that it is about, and its two ends; `None` for records about a
            /// whole capture.
            #[must_use]
            pub fn flow(&self) -> Option<(FlowId, &Endpoints)> {
                match self {
                    $(Self::$kind(record) => record.flow(),)*
                    $(Self::$protocol(record) => record.flow(),)*
                }
            }

            /// The fields that records of its kind have.
            #[must_use]
            pub fn schema(&self) -> &'static Schema {
                match self {
                    $(Self::$kind(record) => record.schema(),)*
                    $(Self::$protocol(record) => record.schema(),)*
                }
            }

            /// Gives the names that it has for addresses: those of servers that
            /// a client asks for, and answers of DNS.
            pub fn addresses(&self, mut found: impl FnMut(IpAddr, &[u8])) {
                match self {
                    $(Self::$kind(_) => {})*
                    $(Self::$protocol(record) => {
                        RecordedMessage::addresses(record, &mut found);
                    })*
                }
            }
        }

        impl Visit for Record {
            fn visit(&self, fields: &mut impl FieldVisitor) {
                match self {
                    $(Self::$kind(record) => {
                        record.visit_as(None$(.or(Some($name)))?.unwrap_or(record.kind()), fields);
                    })*
                    $(Self::$protocol(record) => record.visit(fields),)*
                }
            }
        }

        $(
            impl Visit for MessageRecord<$message> {
                fn visit(&self, fields: &mut impl FieldVisitor) {
                    visit_message(self, fields);
                }
            }

            impl From<MessageRecord<$message>> for Record {
                fn from(record: MessageRecord<$message>) -> Self {
                    Self::$protocol(record)
                }
            }
        )*

        /// Gives a message of any protocol to what takes those of each.
        pub(crate) fn with_message(message: Message, taker: &mut impl MessageTaker) {
            match message {
                $(Message::$protocol(message) => taker.take(message),)*
                other => debug_assert!(false, "the table has no row for {other:?}"),
            }
        }

        /// Whether a message says that a name which is wanted was asked for.
        pub(crate) fn is_about(message: &Message, names: &NameFilter) -> bool {
            match message {
                $(Message::$protocol(message) => RecordedMessage::is_about(message, names),)*
                other => {
                    debug_assert!(false, "the table has no row for {other:?}");
                    false
                }
            }
        }

        /// The name that a message asks for.
        pub(crate) fn name_asked_for(message: &Message) -> Option<NameRequest> {
            match message {
                $(Message::$protocol(message) => RecordedMessage::name(message),)*
                other => {
                    debug_assert!(false, "the table has no row for {other:?}");
                    None
                }
            }
        }
    };
}
