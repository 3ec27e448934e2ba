//! DataFusion's settings: which and why.

use datafusion::config::ConfigOptions;
use datafusion::execution::config::SessionConfig;

use crate::query::Limits;

/// Name of the catalog that a session sees.
pub const CATALOG: &str = "assidu";

/// Rows of one batch.
pub const BATCH_ROWS: usize = 8192;

/// Memory that a sort keeps aside for merging its temporary files, at most.
const SORT_RESERVE: usize = 10 << 20;

/// The settings of a session over a catalog whose default schema is `default_schema`.
pub(super) fn session_config(default_schema: &str, limits: &Limits) -> SessionConfig {
    let threads = limits.threads.max(1);
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS)
        .with_default_catalog_and_schema(CATALOG, default_schema)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_collect_statistics(true)
        .with_sort_spill_reservation_bytes(SORT_RESERVE.min(limits.memory / 16 / threads));
    keep_clusters(config.options_mut());
    read_parquet(config.options_mut());
    config
}

/// The log declares ranges of users, each sorted; aggregates by user then need neither shuffle nor sort.
///
/// * `subset_repartition_threshold` 1: a partitioning by user also serves GROUP BY user and course, whatever the
///   number of partitions. DataFusion's 4 would shuffle small logs to win threads.
/// * `preserve_file_partitions` 1: a partitioning that serves is kept although it has fewer partitions than there
///   are threads, and no round robin is put below the aggregate that would destroy it.
/// * `enable_round_robin_repartition` off: it would deal the groups of an aggregate out again, for a subtraction above
///   it, and lose their order. Parallel reading comes from the files.
/// * `prefer_existing_sort`: an order that exists is merged, not thrown away and sorted again.
/// * `repartition_file_scans` stays on: it splits only files without declared partitioning, such as `user`.
fn keep_clusters(options: &mut ConfigOptions) {
    options.optimizer.subset_repartition_threshold = 1;
    options.optimizer.preserve_file_partitions = 1;
    options.optimizer.enable_round_robin_repartition = false;
    options.optimizer.prefer_existing_sort = true;
    options.optimizer.repartition_aggregations = true;
    options.optimizer.repartition_joins = true;
    options.optimizer.repartition_windows = true;
    options.optimizer.repartition_sorts = true;
    options.optimizer.repartition_file_scans = true;
}

/// How Parquet files are read.
///
/// * Filters run while decoding, cheapest first: a query about one user decodes the other columns of its pages only.
/// * Row groups are pruned by statistics, pages by the page index; our files have no bloom filters to ask.
/// * Texts are views: a long text that a join repeats is stored once, and short ones compare without a jump.
/// * Footers stay in the runtime's cache; `metadata_size_hint` reads one in a single request.
fn read_parquet(options: &mut ConfigOptions) {
    let parquet = &mut options.execution.parquet;
    parquet.pushdown_filters = true;
    parquet.reorder_filters = true;
    parquet.pruning = true;
    parquet.enable_page_index = true;
    parquet.bloom_filter_on_read = false;
    parquet.schema_force_view_types = true;
    parquet.skip_metadata = true;
    parquet.metadata_size_hint = Some(512 << 10);
}
