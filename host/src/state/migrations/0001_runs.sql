-- Runs and what is known of them. Times are microseconds since 1970 in UTC.

create table runs (
    id                text primary key,
    pipeline          text not null,
    sequence          integer not null,         -- counts a pipeline's runs from 1; the lake's transaction version
    status            text not null,
    started_at        integer not null,
    finished_at       integer,
    pid               integer not null,         -- the host's process, and
    process_start     text,                     -- when it began, to tell it from a later one with the same pid
    rows_read         integer not null default 0,
    rows_accepted     integer not null default 0,
    rows_quarantined  integer not null default 0,
    rows_loaded       integer not null default 0,
    verdict           text,
    score             real,                     -- overall, in percent
    error             text,
    resumed_by        text references runs (id),
    report            text,                     -- JSON
    unique (pipeline, sequence)
) strict;

create index runs_by_start on runs (started_at);
create index runs_running on runs (pipeline) where status = 'running';

create table stages (
    run          text not null references runs (id) on delete cascade,
    stage        text not null,
    stream       text not null default '',      -- empty for a stage of the whole run
    started_at   integer not null,
    finished_at  integer,
    rows         integer not null default 0,
    primary key (run, stage, stream)
) strict, without rowid;

create table measures (
    run        text not null references runs (id) on delete cascade,
    stream     text not null,
    plugin     text not null,                   -- name@version
    dimension  text not null,
    rule       text not null,
    columns    text not null,                   -- JSON array
    passed     integer not null,
    total      integer not null,
    samples    text not null,                   -- JSON array of keys, never of rows
    rejects    integer not null                 -- 1: the failed rows were rejected
) strict;

create index measures_by_run on measures (run);

create table logs (
    run      text not null references runs (id) on delete cascade,
    at       integer not null,
    level    text not null,
    plugin   text,
    stream   text,
    message  text not null
) strict;

create index logs_by_run on logs (run);
