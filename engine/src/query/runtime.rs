//! Memory and temporary files of sessions.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use crate::Result;
use crate::query::Limits;

/// Consumers of memory that the message of a full pool names.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// Bytes of Parquet footers that stay in memory between queries.
const METADATA_CACHE: usize = 64 << 20;

/// The memory pool, temporary files, object stores and footer cache that sessions work with.
///
/// One runtime can serve several sessions: they then share its memory and its caches. A session that is built
/// without one makes its own.
#[derive(Clone)]
pub struct Runtime {
    env: Arc<RuntimeEnv>,
}

impl Runtime {
    /// A runtime with the memory and spilling of these limits.
    ///
    /// Temporary files lie in a new folder below `spill_folder`, or below the system's temporary folder; it is
    /// made when the first file is needed and goes with the runtime. Each file goes when its query ends.
    ///
    /// The pool shares its memory fairly among the operators that can spill, so that one sort cannot starve
    /// another, and refuses what operators ask beyond it.
    pub fn new(limits: &Limits, spill_folder: Option<PathBuf>) -> Result<Self> {
        let mode = match (limits.spill, spill_folder) {
            (0, _) => DiskManagerMode::Disabled,
            (_, Some(folder)) => DiskManagerMode::Directories(vec![folder]),
            (_, None) => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(limits.spill);
        let pool = TrackConsumersPool::new(FairSpillPool::new(limits.memory), NAMED_CONSUMERS);
        let env = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(disk)
            .with_metadata_cache_limit(METADATA_CACHE)
            .build_arc()?;
        Ok(Self { env })
    }

    /// DataFusion's own form, for registering object stores.
    pub fn env(&self) -> &Arc<RuntimeEnv> {
        &self.env
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("used", &self.env.memory_pool.reserved()).finish_non_exhaustive()
    }
}
