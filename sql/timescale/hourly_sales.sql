-- What was ordered in an hour, by the order's status as it is now. Key: hour, order_status.
-- A continuous aggregate of fact_orders, applied after timescale/fact_orders.sql. Sales are the statuses other than canceled and unavailable.
-- Made without data, so that it fits into a transaction: until the policy has run, and for orders after its last run, it reads fact_orders
-- itself. A load of tidegate refreshes it; what others change further back shows after the policy's next run, or after
-- `call refresh_continuous_aggregate('hourly_sales', null, null)`, which wants no transaction around it.
create materialized view if not exists hourly_sales
with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    time_bucket(interval '1 hour', order_purchase_timestamp) as hour,
    order_status,
    count(*) as orders,
    sum(items) as items,
    cast(sum(price_cents) as bigint) as price_cents,
    cast(sum(freight_cents) as bigint) as freight_cents,
    cast(sum(total_cents) as bigint) as total_cents
from fact_orders
group by 1, 2
with no data;

-- From the first order on, as a status may change late; a run reads only the hours that changed. The last hour is left to fact_orders.
-- A policy that is there stays as it is, whatever its span: retention.sql narrows it.
select add_continuous_aggregate_policy(
    'hourly_sales',
    start_offset => null,
    end_offset => interval '1 hour',
    schedule_interval => interval '1 hour'
)
where not exists (
    select from timescaledb_information.jobs
    where proc_name = 'policy_refresh_continuous_aggregate'
        and hypertable_schema = current_schema()
        and hypertable_name = 'hourly_sales'
);

comment on view hourly_sales is 'What was ordered in an hour, by the order''s status. Money is in whole cents of Brazilian reais.';
comment on column hourly_sales.hour is 'Instant at which the hour begins.';
comment on column hourly_sales.order_status is 'The orders'' status as it is now; canceled and unavailable are no sales.';
comment on column hourly_sales.orders is 'Count of orders.';
comment on column hourly_sales.items is 'Count of items.';
comment on column hourly_sales.price_cents is 'Price without freight.';
comment on column hourly_sales.freight_cents is 'Freight.';
comment on column hourly_sales.total_cents is 'Price and freight.';
