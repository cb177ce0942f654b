//! What was wrong with captures, on its way from executors to who asked.
//!
//! A task tells of itself what its steps counted. A damaged capture is such a count,
//! whose name is what is wrong with it, and so is each part that was read: without
//! those it would not be known whether all tasks told what they counted. The
//! scheduler does not always keep it.

use core::ops::ControlFlow;
use std::collections::HashSet;
use std::path::PathBuf;

use ballista_core::serde::protobuf::operator_metric::Metric;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    GetJobMetricsParams, GetJobMetricsResult, OperatorWithMetrics,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder};
use flowscope_table::{Input, TableError, TableReader};

use super::scan::ClusterScan;

/// What a step counts in one of its partitions.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) metrics: ExecutionPlanMetricsSet,
    pub(super) partition: usize,
}

impl Counts {
    /// Counts a part, one of so many, that is read.
    pub(super) fn part(&self, part: usize, parts: usize) {
        self.add(format!("{PART}{part} of {parts}"));
    }

    /// Counts a damaged capture.
    pub(super) fn damage(&self, damage: &TableError) {
        self.add(format!("{DAMAGED}{damage}"));
    }

    fn add(&self, name: String) {
        let counts = MetricBuilder::new(&self.metrics);
        counts.counter(name, self.partition).add(1);
    }
}

/// Asks a scheduler what was wrong with the captures of a query. None if it does not
/// know of all parts.
pub(super) async fn of_job(scheduler: &str, job: &str) -> Option<Vec<String>> {
    let client = SchedulerGrpcClient::connect(scheduler.to_owned()).await;
    let job_id = job.to_owned();
    let params = GetJobMetricsParams { job_id };
    let metrics = client.ok()?.get_job_metrics(params).await;
    damages(metrics.ok()?.into_inner())
}

/// Looks for what is wrong with captures.
pub(super) fn of_captures(captures: Vec<PathBuf>) -> Vec<String> {
    let mut found = Vec::new();
    let inputs = captures.into_iter().map(Input::file).collect();
    TableReader::new(inputs, &[]).read(&mut |batch| {
        found.extend(batch.err().map(|error| error.to_string()));
        ControlFlow::Continue(())
    });
    found
}

fn damages(metrics: GetJobMetricsResult) -> Option<Vec<String>> {
    let steps = metrics.stages.into_iter().flat_map(|stage| stage.operators);
    let mut found = Vec::new();
    for step in steps.filter(|step| step.operator_desc.starts_with(ClusterScan::NAME)) {
        let counts = counts(step);
        if !has_all_parts(&counts) {
            return None;
        }
        let damages = counts.iter().filter_map(|name| name.strip_prefix(DAMAGED));
        found.extend(damages.map(ToOwned::to_owned));
    }
    found.sort();
    found.dedup();
    Some(found)
}

/// The names of what a step counted.
fn counts(step: OperatorWithMetrics) -> Vec<String> {
    let metrics = step.metrics.into_iter().filter_map(|count| count.metric);
    let names = metrics.filter_map(|metric| match metric {
        Metric::Count(count) => Some(count.name),
        _ => None,
    });
    names.collect()
}

fn has_all_parts(counts: &[String]) -> bool {
    let parts = counts.iter().filter_map(|name| name.strip_prefix(PART));
    let parts: HashSet<_> = parts.collect();
    let Some((_, all)) = parts.iter().next().and_then(|it| it.split_once(" of ")) else {
        return false;
    };
    all.parse() == Ok(parts.len())
}

/// How the names of such counts begin.
const DAMAGED: &str = "damaged: ";
const PART: &str = "part ";

#[cfg(test)]
mod tests {
    use ballista_core::serde::protobuf::{JobStageMetrics, NamedCount, OperatorMetric};

    use super::*;

    fn told(names: &[&str]) -> Option<Vec<String>> {
        let counts = names.iter().map(|name| OperatorMetric {
            metric: Some(Metric::Count(NamedCount {
                name: (*name).to_owned(),
                value: 1,
            })),
            ..OperatorMetric::default()
        });
        let step = OperatorWithMetrics {
            operator_desc: format!("{}: table=flows", ClusterScan::NAME),
            metrics: counts.collect(),
            ..OperatorWithMetrics::default()
        };
        let stage = JobStageMetrics {
            operators: vec![step],
            ..JobStageMetrics::default()
        };
        damages(GetJobMetricsResult {
            stages: vec![stage],
        })
    }

    #[test]
    fn what_is_told_counts_only_if_all_parts_told_it() {
        let damaged = Some(vec!["a.pcap: cut".to_owned()]);
        let all = ["part 1 of 2", "damaged: a.pcap: cut", "part 0 of 2"];
        assert_eq!(told(&all), damaged);
        assert_eq!(told(&["part 0 of 1", "other"]), Some(Vec::new()));
        assert_eq!(told(&all[..2]), None);
        assert_eq!(told(&[]), None);
    }
}
