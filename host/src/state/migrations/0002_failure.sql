-- What a run that failed or was stopped left.

alter table runs add column failure text;       -- JSON
