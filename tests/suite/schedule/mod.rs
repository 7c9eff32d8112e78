//! The daemon as a process: schedules, what people ask for, changed files; deaths at many moments; several of it at one database.

mod alerts;
mod backfill;
mod retries;
mod serve;
mod several;
mod survive;
