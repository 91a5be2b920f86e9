-- The DuckLake 1.0 catalogue as SQLite tables, in the order in which DuckDB creates them. DuckDB's own writes name no
-- columns, so a column must never be added here; what DuckLake has no place for stands in the side tables at the end.

CREATE TABLE ducklake_metadata ("key" TEXT NOT NULL, "value" TEXT NOT NULL, "scope" TEXT, scope_id INTEGER) STRICT;
CREATE TABLE ducklake_snapshot (
    snapshot_id INTEGER PRIMARY KEY, snapshot_time TEXT NOT NULL, schema_version INTEGER NOT NULL,
    next_catalog_id INTEGER NOT NULL, next_file_id INTEGER NOT NULL) STRICT;
CREATE TABLE ducklake_snapshot_changes (
    snapshot_id INTEGER PRIMARY KEY, changes_made TEXT, author TEXT, commit_message TEXT, commit_extra_info TEXT) STRICT;
CREATE TABLE ducklake_schema (
    schema_id INTEGER PRIMARY KEY, schema_uuid TEXT, begin_snapshot INTEGER, end_snapshot INTEGER, schema_name TEXT,
    "path" TEXT, path_is_relative INTEGER) STRICT;
CREATE TABLE ducklake_table (
    table_id INTEGER, table_uuid TEXT, begin_snapshot INTEGER, end_snapshot INTEGER, schema_id INTEGER, table_name TEXT,
    "path" TEXT, path_is_relative INTEGER) STRICT;
CREATE TABLE ducklake_view (
    view_id INTEGER, view_uuid TEXT, begin_snapshot INTEGER, end_snapshot INTEGER, schema_id INTEGER, view_name TEXT,
    dialect TEXT, "sql" TEXT, column_aliases TEXT) STRICT;
CREATE TABLE ducklake_tag (
    object_id INTEGER, begin_snapshot INTEGER, end_snapshot INTEGER, "key" TEXT, "value" TEXT) STRICT;
CREATE TABLE ducklake_column_tag (
    table_id INTEGER, column_id INTEGER, begin_snapshot INTEGER, end_snapshot INTEGER, "key" TEXT, "value" TEXT) STRICT;
CREATE TABLE ducklake_data_file (
    data_file_id INTEGER PRIMARY KEY, table_id INTEGER, begin_snapshot INTEGER, end_snapshot INTEGER, file_order INTEGER,
    "path" TEXT, path_is_relative INTEGER NOT NULL, file_format TEXT, record_count INTEGER NOT NULL,
    file_size_bytes INTEGER NOT NULL, footer_size INTEGER, row_id_start INTEGER, partition_id INTEGER,
    encryption_key TEXT, mapping_id INTEGER, partial_max INTEGER) STRICT;
CREATE TABLE ducklake_file_column_stats (
    data_file_id INTEGER, table_id INTEGER, column_id INTEGER, column_size_bytes INTEGER, value_count INTEGER,
    null_count INTEGER, min_value TEXT, max_value TEXT, contains_nan INTEGER, extra_stats TEXT) STRICT;
CREATE TABLE ducklake_file_variant_stats (
    data_file_id INTEGER, table_id INTEGER, column_id INTEGER, variant_path TEXT, shredded_type TEXT,
    column_size_bytes INTEGER, value_count INTEGER, null_count INTEGER, min_value TEXT, max_value TEXT,
    contains_nan INTEGER, extra_stats TEXT) STRICT;
CREATE TABLE ducklake_delete_file (
    delete_file_id INTEGER PRIMARY KEY, table_id INTEGER, begin_snapshot INTEGER, end_snapshot INTEGER,
    data_file_id INTEGER, "path" TEXT, path_is_relative INTEGER, format TEXT, delete_count INTEGER,
    file_size_bytes INTEGER, footer_size INTEGER, encryption_key TEXT, partial_max INTEGER) STRICT;
CREATE TABLE ducklake_column (
    column_id INTEGER, begin_snapshot INTEGER, end_snapshot INTEGER, table_id INTEGER, column_order INTEGER,
    column_name TEXT, column_type TEXT, initial_default TEXT, default_value TEXT, nulls_allowed INTEGER NOT NULL,
    parent_column INTEGER, default_value_type TEXT, default_value_dialect TEXT) STRICT;
CREATE TABLE ducklake_table_stats (
    table_id INTEGER, record_count INTEGER, next_row_id INTEGER, file_size_bytes INTEGER) STRICT;
-- Stays empty: bounds too narrow here make DuckDB leave out rows without a word.
CREATE TABLE ducklake_table_column_stats (
    table_id INTEGER, column_id INTEGER, contains_null INTEGER, contains_nan INTEGER, min_value TEXT, max_value TEXT,
    extra_stats TEXT) STRICT;
CREATE TABLE ducklake_partition_info (
    partition_id INTEGER, table_id INTEGER, begin_snapshot INTEGER, end_snapshot INTEGER) STRICT;
CREATE TABLE ducklake_partition_column (
    partition_id INTEGER, table_id INTEGER, partition_key_index INTEGER, column_id INTEGER, "transform" TEXT) STRICT;
CREATE TABLE ducklake_file_partition_value (
    data_file_id INTEGER, table_id INTEGER, partition_key_index INTEGER, partition_value TEXT) STRICT;
CREATE TABLE ducklake_files_scheduled_for_deletion (
    data_file_id INTEGER, "path" TEXT, path_is_relative INTEGER, schedule_start TEXT) STRICT;
CREATE TABLE ducklake_inlined_data_tables (table_id INTEGER, table_name TEXT, schema_version INTEGER) STRICT;
CREATE TABLE ducklake_column_mapping (mapping_id INTEGER, table_id INTEGER, "type" TEXT) STRICT;
CREATE TABLE ducklake_name_mapping (
    mapping_id INTEGER, column_id INTEGER, source_name TEXT, target_field_id INTEGER, parent_column INTEGER,
    is_partition INTEGER) STRICT;
CREATE TABLE ducklake_schema_versions (begin_snapshot INTEGER, schema_version INTEGER, table_id INTEGER) STRICT;
CREATE TABLE ducklake_macro (
    schema_id INTEGER, macro_id INTEGER, macro_name TEXT, begin_snapshot INTEGER, end_snapshot INTEGER) STRICT;
CREATE TABLE ducklake_macro_impl (macro_id INTEGER, impl_id INTEGER, dialect TEXT, "sql" TEXT, "type" TEXT) STRICT;
CREATE TABLE ducklake_macro_parameters (
    macro_id INTEGER, impl_id INTEGER, column_id INTEGER, parameter_name TEXT, parameter_type TEXT, default_value TEXT,
    default_value_type TEXT) STRICT;
CREATE TABLE ducklake_sort_info (
    sort_id INTEGER, table_id INTEGER, begin_snapshot INTEGER, end_snapshot INTEGER) STRICT;
CREATE TABLE ducklake_sort_expression (
    sort_id INTEGER, table_id INTEGER, sort_key_index INTEGER, expression TEXT, dialect TEXT, sort_direction TEXT,
    null_order TEXT) STRICT;

-- DuckDB folds ASCII case in names, as SQLite's lower() does; two columns that clash make every table unreadable to it.
CREATE UNIQUE INDEX crawlspace_column_names
    ON ducklake_column (table_id, coalesce(parent_column, -1), lower(column_name)) WHERE end_snapshot IS NULL;
CREATE UNIQUE INDEX crawlspace_table_names
    ON ducklake_table (schema_id, lower(table_name)) WHERE end_snapshot IS NULL;
CREATE INDEX crawlspace_columns ON ducklake_column (table_id, column_id);
CREATE INDEX crawlspace_live_files ON ducklake_data_file (table_id) WHERE end_snapshot IS NULL;
CREATE INDEX crawlspace_ended_files ON ducklake_data_file (end_snapshot) WHERE end_snapshot IS NOT NULL;
CREATE INDEX crawlspace_stats_of_column ON ducklake_file_column_stats (table_id, column_id);
CREATE INDEX crawlspace_stats_of_file ON ducklake_file_column_stats (data_file_id);

CREATE TABLE crawlspace_state ("key" TEXT PRIMARY KEY, "value" TEXT NOT NULL) STRICT;
-- Live parts only. Times are nanoseconds since 1970; `columns` and `overflow` are JSON.
CREATE TABLE crawlspace_part (
    data_file_id INTEGER PRIMARY KEY, time_min INTEGER NOT NULL, time_max INTEGER NOT NULL,
    received_min INTEGER NOT NULL, received_max INTEGER NOT NULL, "columns" TEXT NOT NULL,
    overflow TEXT NOT NULL, overflow_complete INTEGER NOT NULL, weighted INTEGER NOT NULL,
    checksums BLOB NOT NULL) STRICT;
-- Live columns only: the name in queries, and the type where DuckLake's says less (a blob may be either kind of id).
CREATE TABLE crawlspace_column (
    table_id INTEGER, column_id INTEGER, name TEXT NOT NULL, column_type TEXT NOT NULL,
    PRIMARY KEY (table_id, column_id), UNIQUE (table_id, name)) STRICT;
