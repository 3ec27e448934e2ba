//! The store's own records, of all sites together: what was loaded, and what was pulled.

use super::spec::{ColumnSpec, TableSpec, int, long_text, text, time};

pub(super) static LOADS: TableSpec = TableSpec::new(
    "loads",
    &[],
    "One file of one load.",
    &[
        time("at", "When it was loaded.").null(),
        text("file", "Name of the file as it was given.").null(),
        text("sha256", "SHA-256 of files whose rows have no key.").null(),
        text("site", "Site that received the rows.").null(),
        text("table_name", "Table that received the rows.").null(),
        text("format", "Format of the file.").null(),
        text("encoding", "Encoding of its text.").null(),
        count("rows_read", "Rows of the file."),
        count("loaded", "New rows."),
        count("replaced", "Rows that replaced others of the same key."),
        count("skipped", "Rows that the table had, or that the format leaves out."),
        count("rejected", "Rows that could not be read."),
        text("rejects", "File of the rejected rows; null for none.").null(),
    ],
);

pub(super) static PULLS: TableSpec = TableSpec::new(
    "pulls",
    &["id"],
    "One pull of rows from the server.",
    &[
        int("id", "Number of the pull.").null(),
        time("time", "When it was asked for.").null(),
        count("duration_ms", "Milliseconds to the last byte."),
        text("kind", "`full`, `incremental`, `replay`, `sample`, `sql` or `report_etl_get`.").null(),
        text("site", "Site.").null(),
        text("instance", "Instance that pulled.").null(),
        text("view", "View.").null(),
        text("format", "Format.").null(),
        long_text("parameters", "Values of the parameters as JSON, or the SQL.").null(),
        count("after_commit", "The last commit that is not in it."),
        count("upto_commit", "The last commit that is in it."),
        text("batch", "Batch.").null(),
        count("rows", "Rows that were sent."),
        count("bytes", "Bytes that were made.").bytes(),
        text("outcome", "`complete`, `aborted`, `failed` or `refused`.").null(),
        count("status", "HTTP status."),
        text("error", "Why it was not complete.").null(),
        text("address", "Address of the caller.").null(),
        text("caller", "Token of the caller, by its number.").null(),
        text("request", "Number of the request in the log.").null(),
    ],
);

const fn count(name: &'static str, doc: &'static str) -> ColumnSpec {
    int(name, doc).null()
}
