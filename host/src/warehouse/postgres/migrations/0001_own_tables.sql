-- What tidegate keeps of itself in a database. Readers may look at all of it; only tidegate writes.

create table tidegate.pipelines (
    pipeline text primary key,
    fence bigint not null default 0,
    sequence bigint not null default 0,
    run text,
    loaded_at timestamptz
);
comment on table tidegate.pipelines is 'A row is a pipeline that loads into this database.';
comment on column tidegate.pipelines.fence is 'Counts the hosts that took the pipeline''s lock: a host whose number is not this one can''t commit.';
comment on column tidegate.pipelines.sequence is 'The number of the last load.';
comment on column tidegate.pipelines.run is 'The run of the last load.';

create table tidegate.cursors (
    pipeline text not null references tidegate.pipelines,
    stream text not null,
    cursor text not null,
    run text not null,
    primary key (pipeline, stream)
);
comment on table tidegate.cursors is 'A row says where a stream resumes; it changes in the transaction that loads the stream''s rows.';
comment on column tidegate.cursors.stream is 'source/stream';

create table tidegate.ingest_audit (
    pipeline text not null,
    sequence bigint not null,
    run text not null,
    stream text,
    "table" text,
    mode text,
    rows_read bigint,
    rows_accepted bigint,
    rows_quarantined bigint,
    rows_loaded bigint,
    rows_refused bigint,
    bytes_read bigint,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    timings jsonb,
    overall_score double precision,
    scores jsonb,
    verdict text not null,
    plugin_digests jsonb,
    error text,
    unique nulls not distinct (pipeline, sequence, stream, "table")
);
comment on table tidegate.ingest_audit is 'A row for each stream of a run and one for each table that it loaded, written in the transaction that loads them.';
comment on column tidegate.ingest_audit.rows_loaded is 'Rows that were added or changed.';
comment on column tidegate.ingest_audit.rows_refused is 'Rows that PostgreSQL can''t represent; they are in the run''s quarantine.';
comment on column tidegate.ingest_audit.timings is 'Milliseconds of each step up to the load.';
comment on column tidegate.ingest_audit.error is 'What went otherwise than it should without stopping the load.';
