//! Each flow is a stream of what its sides say, of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;

use flowscope::FlowSide;
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope_tokio::{AsyncCapture, Conversation, ConversationPart, Speed};
use futures_util::{StreamExt as _, future};

#[tokio::test]
async fn each_flow_is_read_by_a_task_of_its_own() {
    let mut conversations = replay("recorded/http-parallel.pcap").conversation();
    let mut tasks = Vec::new();
    while let Some(conversation) = conversations.next().await {
        tasks.push(tokio::spawn(said(conversation.unwrap())));
    }
    let mut all = Vec::new();
    for said in future::join_all(tasks).await {
        all.extend(said.unwrap());
    }
    assert!(all.len() > 1);
    for (key, asked, answered) in &all {
        assert!(key.ends_with(":80 tcp"), "{key}");
        assert!(asked.starts_with(b"GET /"), "{key}");
        assert!(answered.starts_with(b"HTTP/1.1 200"), "{key}");
    }
}

/// What is asked for in a task comes before what is answered.
#[tokio::test]
async fn both_sides_come_in_one_order() {
    let mut conversations = replay("recorded/http-keep-alive.pcap").conversation();
    let mut conversation = loop {
        let conversation = conversations.next().await.unwrap().unwrap();
        if conversation.key().to_string().ends_with("tcp") {
            break conversation;
        }
    };
    let reader = tokio::spawn(async move {
        let mut sides = Vec::new();
        while let Some(part) = conversation.next().await {
            if matches!(part, ConversationPart::Data { .. }) && sides.last() != Some(&part.side()) {
                sides.push(part.side());
            }
        }
        sides
    });
    while conversations.next().await.is_some() {}
    let sides = reader.await.unwrap();
    assert!(sides.len() >= 4);
    for (n, side) in sides.into_iter().enumerate() {
        let expected = [FlowSide::Initiator, FlowSide::Responder][n % 2];
        assert_eq!(side, expected);
    }
}

#[tokio::test]
async fn conversations_that_nobody_reads_hold_nothing_up() {
    let mut conversations = replay("tcp-download.pcap").conversation();
    let mut count = 0;
    while let Some(conversation) = conversations.next().await {
        drop(conversation.unwrap());
        count += 1;
    }
    assert!(count > 0);
}

type Flows = flowscope_tokio::FlowStream<flowscope_tokio::ReplaySource, AutoDetectEncap<FiveTuple>>;

fn replay(name: &str) -> Flows {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/");
    let path = PathBuf::from(folder).join(name);
    let capture = AsyncCapture::replay(path, Speed::Unpaced).unwrap();
    capture.flow_stream(AutoDetectEncap::new(FiveTuple::bidirectional()))
}

/// Who talked, what was asked and what was answered, if it was TCP.
async fn said<K: core::fmt::Display + Unpin>(
    mut conversation: Conversation<K>,
) -> Option<(String, Vec<u8>, Vec<u8>)> {
    let key = conversation.key().to_string();
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    while let Some(part) = conversation.next().await {
        if let ConversationPart::Data { side, bytes, .. } = part {
            match side {
                FlowSide::Initiator => asked.extend(bytes),
                FlowSide::Responder => answered.extend(bytes),
            }
        }
    }
    key.ends_with("tcp").then_some((key, asked, answered))
}
