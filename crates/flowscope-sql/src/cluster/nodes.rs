//! What a cluster is made of: a scheduler, and executors.

use core::net::{IpAddr, SocketAddr};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};

use super::codec::{LogicalCodec, PhysicalCodec};
use crate::complaint::say;

/// A node of a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// Take queries, and give executors their parts of them
    Scheduler(Scheduler),
    /// Read captures for a scheduler
    Executor(Executor),
}

#[derive(Args, Debug)]
pub(crate) struct Scheduler {
    /// The address that is listened on; whoever reaches it can ask for every file that an
    /// executor can read
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The port that is listened on; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 50050)]
    port: u16,
    /// After how many seconds without a word from an executor others get its work
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = RangedU64ValueParser::<u64>::new().range(8..))]
    lost_after: u64,
}

#[derive(Args, Debug)]
pub(crate) struct Executor {
    /// The scheduler that has work
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    scheduler: String,
    /// The address that results are fetched from, by other executors and by who asked
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The port that results are fetched from; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 50051)]
    port: u16,
    /// The name under which others reach it, if it is not the address that the scheduler sees
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// How many parts are read at once; as many as there are processors if not given
    #[arg(long, value_name = "N", default_value_t = 0)]
    slots: usize,
    /// The folder for results that are not fetched yet; one that goes away if not given
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

impl Node {
    /// Works until it is told to stop.
    pub(crate) async fn run(self) -> Result<(), String> {
        match self {
            Self::Scheduler(scheduler) => scheduler.run().await,
            Self::Executor(executor) => executor.run().await,
        }
    }
}

impl Scheduler {
    async fn run(self) -> Result<(), String> {
        let wanted = SocketAddr::new(self.bind, self.port);
        let listener = tokio::net::TcpListener::bind(wanted).await;
        let listener = listener.map_err(|error| format!("{wanted}: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let config = SchedulerConfig {
            bind_host: address.ip().to_string(),
            bind_port: address.port(),
            // Executors ask for work, and need not be reached for it.
            scheduling_policy: TaskSchedulingPolicy::PullStaged,
            // They do so every few seconds even when they are busy.
            executor_timeout_seconds: self.lost_after,
            expire_dead_executor_interval_seconds: self.lost_after / 4,
            no_executors_grace_period_seconds: self.lost_after,
            override_logical_codec: Some(Arc::new(LogicalCodec::default())),
            override_physical_codec: Some(Arc::new(PhysicalCodec::default())),
            ..SchedulerConfig::default()
        };
        let cluster = BallistaCluster::new_from_config(&config).await;
        let cluster = cluster.map_err(|error| error.to_string())?;
        let scheduler =
            create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config));
        let scheduler = scheduler.await.map_err(|error| error.to_string())?;
        say(&format!("scheduler at df://{address}"));
        let served = start_grpc_service_with_listener(listener, scheduler).await;
        served.map_err(|error| error.to_string())
    }
}

impl Executor {
    async fn run(self) -> Result<(), String> {
        let scheduler = self.scheduler.trim_start_matches("df://");
        let (host, port) = scheduler
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
            .ok_or_else(|| format!("a scheduler is HOST:PORT, and not '{scheduler}'"))?;
        let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
        let work = self.work.as_deref().unwrap_or(temporary.path());
        let Some(work) = work.to_str() else {
            return Err(format!("{} is not UTF-8", work.display()));
        };
        let address = free(SocketAddr::new(self.bind, self.port))?;
        let config = ExecutorProcessConfig {
            bind_host: address.ip().to_string(),
            port: address.port(),
            external_host: self.host,
            scheduler_host: host,
            scheduler_port: port,
            scheduler_connect_timeout_seconds: PATIENCE,
            vcores: self.slots,
            task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
            work_dir: Some(work.to_owned()),
            override_logical_codec: Some(Arc::new(LogicalCodec::default())),
            override_physical_codec: Some(Arc::new(PhysicalCodec::default())),
            ..ExecutorProcessConfig::default()
        };
        say(&format!("executor at {address} for {scheduler}"));
        let worked = start_executor_process(Arc::new(config)).await;
        worked.map_err(|error| error.to_string())
    }
}

/// The address with a port that is free, in place of none.
fn free(wanted: SocketAddr) -> Result<SocketAddr, String> {
    let found = TcpListener::bind(wanted).and_then(|listener| listener.local_addr());
    found.map_err(|error| format!("{wanted}: {error}"))
}

/// Seconds that an executor waits for its scheduler to be there.
const PATIENCE: u16 = 30;
