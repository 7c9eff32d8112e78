-- The last good reading of each pipeline file: it is in force while the file is broken, also in the life of another daemon.

create table readings (
    file     text primary key,          -- below the folder that is served
    text     text not null,
    sql      text not null,             -- JSON: the texts of the SQL files that it names, by the values that name them
    read_at  bigint not null
);
