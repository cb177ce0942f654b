//! Schedulers and executors that go away with the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;

use crate::support::command;

/// A process of a cluster.
pub(super) struct Node(Child);

impl Node {
    /// Starts one, and waits until it says where it is.
    fn start(arguments: &[&str]) -> (Self, String) {
        let mut child = command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines.next().unwrap().unwrap();
        // What it says later is for whoever looks at a test that failed.
        thread::spawn(move || lines.map_while(Result::ok).for_each(|it| eprintln!("{it}")));
        (Self(child), said)
    }

    pub(super) fn scheduler() -> (Self, String) {
        let (node, said) = Self::start(&["scheduler", "--port", "0", "--lost-after", "8"]);
        let address = said.split_once("scheduler at ").unwrap().1;
        (node, address.to_owned())
    }

    pub(super) fn executor(scheduler: &str, more: &[&str]) -> Self {
        let arguments = ["executor", "--port", "0", "--scheduler", scheduler];
        let (node, said) = Self::start(&[&arguments, more].concat());
        assert!(said.contains("executor at "), "{said}");
        node
    }

    /// Ends it without a word.
    pub(super) fn kill(mut self) {
        self.0.kill().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A scheduler with executors.
pub(super) struct Cluster {
    pub(super) address: String,
    _scheduler: Node,
    _executors: Vec<Node>,
}

impl Cluster {
    /// One with so many executors, each of which reads one part at a time.
    pub(super) fn of(executors: usize) -> Self {
        let (scheduler, address) = Node::scheduler();
        let executor = |_| Node::executor(&address, &["--slots", "1"]);
        Self {
            _executors: (0..executors).map(executor).collect(),
            _scheduler: scheduler,
            address,
        }
    }
}
