-- A replay that rebuilt the tables says which runs it read again.

alter table tidegate.ingest_audit add column replayed jsonb;
comment on column tidegate.ingest_audit.replayed is 'The runs whose pages were read again, where a replay rebuilt the tables.';
