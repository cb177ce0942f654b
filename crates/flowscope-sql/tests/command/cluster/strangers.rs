//! Nodes that know nothing of captures, and schedulers that are not there, give an
//! error and not an empty result.

use std::net::TcpListener;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use tokio::runtime::Runtime;

use super::nodes::{Cluster, Node};
use crate::support::{command, fixture, stderr, stdout};

/// A query that has rows.
fn query() -> String {
    format!(
        "SELECT src FROM flows('{}')",
        fixture("recorded/http-1-0.pcap")
    )
}

fn fails(scheduler: &str, complaint: &str) {
    let asked = command(&["--json", &query(), "--cluster", scheduler])
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(1), "{}", stdout(&asked));
    assert_eq!(stdout(&asked), "");
    assert!(stderr(&asked).contains(complaint), "{}", stderr(&asked));
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_scheduler_that_does_not_know_captures_is_an_error() {
    let runtime = Runtime::new().unwrap();
    let port = free_port();
    let config = SchedulerConfig {
        bind_port: port,
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        ..SchedulerConfig::default()
    };
    runtime.spawn(async move {
        let cluster = BallistaCluster::new_from_config(&config).await.unwrap();
        let address = ([127, 0, 0, 1], port).into();
        start_server(cluster, address, Arc::new(config)).await
    });
    // It waits for the scheduler.
    let address = format!("127.0.0.1:{port}");
    let _executor = Node::executor(&address, &["--slots", "1"]);
    fails(&format!("df://{address}"), "LogicalExtensionCodec");
    runtime.shutdown_background();
}

#[test]
fn an_executor_that_does_not_know_captures_is_an_error() {
    let cluster = Cluster::of(0);
    let runtime = Runtime::new().unwrap();
    let scheduler = cluster.address.rsplit_once(':').unwrap().1.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = ExecutorProcessConfig {
        port: free_port(),
        scheduler_host: "127.0.0.1".to_owned(),
        scheduler_port: scheduler,
        vcores: 1,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(folder.path().display().to_string()),
        ..ExecutorProcessConfig::default()
    };
    runtime.spawn(async move { start_executor_process(Arc::new(config)).await });
    fails(&cluster.address, "BallistaPhysicalPlanNode");
    runtime.shutdown_background();
}

#[test]
fn a_scheduler_that_is_not_there_is_an_error() {
    let address = format!("df://127.0.0.1:{}", free_port());
    fails(&address, &format!("there is no scheduler at {address}"));
    let wrong = command(&["SELECT 1", "--cluster", "localhost"])
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("df://HOST:PORT"));
}
