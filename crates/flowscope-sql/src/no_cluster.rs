//! What is in place of a cluster where this was built without.

pub(crate) mod client {
    //! Nothing to ask.

    use std::path::PathBuf;
    use std::sync::Arc;

    use datafusion::common::{DataFusionError, Result};
    use datafusion::logical_expr::LogicalPlan;
    use datafusion::physical_plan::ExecutionPlan;
    use datafusion::prelude::{SessionConfig, SessionContext};

    /// A scheduler, of which there is none.
    #[derive(Clone, Debug)]
    pub(crate) enum Scheduler {}

    impl Scheduler {
        pub(crate) fn parse(_: &str) -> core::result::Result<Self, String> {
            Err(super::ABSENT.to_owned())
        }

        pub(crate) async fn context(&self, _: SessionConfig) -> Result<SessionContext> {
            match *self {}
        }

        pub(crate) fn refuses(&self, _: &LogicalPlan) -> Result<Option<&'static str>> {
            match *self {}
        }

        pub(crate) async fn damage(
            &self,
            _: &Arc<dyn ExecutionPlan>,
            _: Vec<PathBuf>,
        ) -> Vec<String> {
            match *self {}
        }

        pub(crate) fn explain(&self, _: &DataFusionError) -> Option<String> {
            match *self {}
        }
    }
}

pub(crate) mod nodes {
    //! Nothing to start.

    use clap::{Args, Subcommand};

    /// A node of a cluster.
    #[derive(Debug, Subcommand)]
    #[command(hide = true)]
    pub(crate) enum Node {
        /// Needs a build with clusters
        #[command(hide = true)]
        Scheduler(Anything),
        /// Needs a build with clusters
        #[command(hide = true)]
        Executor(Anything),
    }

    #[derive(Args, Debug)]
    pub(crate) struct Anything {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        _arguments: Vec<String>,
    }

    impl Node {
        pub(crate) async fn run(self) -> Result<(), String> {
            Err(super::ABSENT.to_owned())
        }
    }
}

const ABSENT: &str = "this flowscope-sql knows no clusters; one that does is built with \
                      `cargo install --path crates/flowscope-sql --features cluster`";
