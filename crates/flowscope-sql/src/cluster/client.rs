//! Asking a cluster.

use std::path::PathBuf;
use std::sync::Arc;

use ballista::prelude::SessionContextExt;
use ballista_core::execution_plans::DistributedQueryExec;
use ballista_core::extension::SessionConfigExt;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::protobuf::LogicalPlanNode;
use url::Url;

use super::codec::{LogicalCodec, PhysicalCodec};
use super::damage;

/// A scheduler, as it is written: `df://HOST:PORT`.
#[derive(Clone, Debug)]
pub(crate) struct Scheduler(Url);

impl Scheduler {
    pub(crate) fn parse(text: &str) -> core::result::Result<Self, String> {
        match Url::parse(text) {
            Ok(url) if url.scheme() == "df" && url.host().is_some() => Ok(Self(url)),
            _ => Err("a scheduler is df://HOST:PORT".to_owned()),
        }
    }

    /// Queries that it gets.
    pub(crate) async fn context(&self, config: SessionConfig) -> Result<SessionContext> {
        let config = config
            .with_target_partitions(PARTITIONS)
            .with_ballista_logical_extension_codec(Arc::new(LogicalCodec::default()))
            .with_ballista_physical_extension_codec(Arc::new(PhysicalCodec::default()));
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config)
            .build();
        SessionContext::remote_with_state(self.0.as_str(), state).await
    }

    /// Why it is not asked for this, if it is not. Ballista 55 gives some rows of a
    /// union several times, or no answer.
    pub(crate) fn refuses(&self, plan: &LogicalPlan) -> Result<Option<&'static str>> {
        let mut refused = None;
        plan.apply_with_subqueries(|step| {
            refused = match step {
                LogicalPlan::Union(_) => Some("a cluster cannot be asked for UNION; ask for each"),
                LogicalPlan::RecursiveQuery(_) => Some("a cluster cannot be asked for RECURSIVE"),
                _ => return Ok(TreeNodeRecursion::Continue),
            };
            Ok(TreeNodeRecursion::Stop)
        })?;
        Ok(refused)
    }

    /// What was wrong with the captures of a query that it was asked, and answered.
    pub(crate) async fn damage(
        &self,
        steps: &Arc<dyn ExecutionPlan>,
        captures: Vec<PathBuf>,
    ) -> Vec<String> {
        let query = steps.downcast_ref::<DistributedQueryExec<LogicalPlanNode>>();
        let told = match query.and_then(DistributedQueryExec::job_id) {
            Some(job) => damage::of_job(&self.address(), job.as_str()).await,
            None => None,
        };
        // What is not told has to be looked for.
        told.unwrap_or_else(|| damage::of_captures(captures))
    }

    /// Why it gave no result, in a sentence that helps.
    pub(crate) fn explain(&self, error: &DataFusionError) -> Option<String> {
        let text = error.to_string();
        let is_away = ["ConnectionRefused", "dns error", "tcp connect error"];
        if is_away.iter().any(|it| text.contains(it)) {
            return Some(format!("there is no scheduler at {}: {text}", self.0));
        }
        None
    }

    fn address(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        format!("http://{host}:{}", self.0.port().unwrap_or(PORT))
    }
}

/// Where a scheduler listens if nothing else is said.
const PORT: u16 = 50050;

/// Parts that a step has at the most, unless a query sets it.
const PARTITIONS: usize = 16;
