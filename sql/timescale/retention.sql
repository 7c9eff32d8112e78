-- Optional: forgets orders of long ago. Only a pipeline that lists this file, after the others of this folder, gets it; set your own spans.
-- Spans count back from today: on the published Olist data, which ends in 2018, the first run forgets everything.
-- A refresh that reaches behind the dropped chunks would empty those hours of the aggregates too, so it is kept inside the span first.
-- The aggregates keep what they hold. Items, payments and reviews are plain tables and stay.
create extension if not exists timescaledb schema public;

select alter_job(job_id, config => jsonb_set(config, '{start_offset}', '"4 years"'))
from timescaledb_information.jobs
where proc_name = 'policy_refresh_continuous_aggregate'
    and hypertable_schema = current_schema()
    and hypertable_name in ('hourly_sales', 'daily_customer_metrics');

select add_retention_policy('fact_orders', drop_after => interval '5 years', if_not_exists => true);
