-- What the daemon knows between its lives. One text for SQLite and PostgreSQL: numbers are 64 bits wide, times are microseconds since 1970 in
-- UTC, truth is 0 or 1, words are text.

create table pipelines (
    pipeline   text primary key,
    cadence    text not null,               -- the schedule that `mark` belongs to
    mark       bigint not null,             -- due times up to here are accounted for
    paused_at  bigint,
    paused_by  text
);

create table backfills (
    id           text primary key,
    pipeline     text not null,
    from_at      bigint not null,
    to_at        bigint not null,
    window_secs  bigint not null,
    next_at      bigint not null,           -- where the next window starts
    round        bigint not null,           -- how often it was asked for again
    status       text not null,
    by           text not null,
    created_at   bigint not null
);

create table tasks (
    id            text primary key,
    pipeline      text not null,
    cause         text not null,
    by            text not null,
    due           bigint not null,
    logical       bigint,
    window_from   bigint,
    window_until  bigint,
    backfill      text,
    status        text not null,
    attempt       bigint not null,
    deaths        bigint not null,          -- how often a daemon died while it ran
    not_before    bigint not null,
    run           text,
    runs          text not null,            -- of all attempts, each with a blank behind it
    claimed_by    text,
    lease_until   bigint,
    cancel_by     text,
    error         text,
    late          bigint not null,
    leads_on      bigint not null,          -- 1: pipelines that come after this one follow when it has loaded
    created_at    bigint not null,
    started_at    bigint,
    finished_at   bigint
);

create index tasks_by_age on tasks (pipeline, created_at);
create index tasks_open on tasks (status) where status in ('queued', 'running');
create index tasks_loaded on tasks (pipeline, finished_at) where status = 'loaded' and leads_on = 1;
-- However many daemons there are, one of them runs a pipeline.
create unique index one_running on tasks (pipeline) where status = 'running';
-- A backfill goes window by window.
create unique index one_window on tasks (backfill) where backfill is not null and status in ('queued', 'running');

-- Who uses a source: there are as many rows of it as its limit allows.
create table slots (
    source    text not null,
    slot      bigint not null,
    task      text not null,
    taken_at  bigint not null,
    primary key (source, slot)
);

create table owed (
    id        text primary key,             -- the task and the kind of news: said once
    pipeline  text not null,
    news      text not null,                -- JSON
    tries     bigint not null,
    at        bigint not null,
    told_at   bigint
);
