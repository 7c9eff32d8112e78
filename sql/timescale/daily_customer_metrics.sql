-- How the customers of a state ordered and were served, by local day of the purchase. Key: day, customer_state.
-- A continuous aggregate of fact_orders, applied after timescale/fact_orders.sql; how it is made and refreshed is said in hourly_sales.sql.
-- Only changes of fact_orders are followed: a customer who gets another state in dim_customers shows after
-- `call refresh_continuous_aggregate('daily_customer_metrics', null, null, force => true)`.
-- Sums and counts, so that days add up to weeks and states to the country. People are not counted: a continuous aggregate takes no
-- distinct count that could be added up, and whoever orders twice has two customer_id; customers_by_state counts them.
create materialized view if not exists daily_customer_metrics
with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    time_bucket(interval '1 day', f.order_purchase_timestamp, 'America/Sao_Paulo') as day,
    c.customer_state,
    count(*) as orders,
    count(*) filter (where f.order_status not in ('canceled', 'unavailable')) as orders_sold,
    cast(
        coalesce(sum(f.total_cents) filter (where f.order_status not in ('canceled', 'unavailable')), 0) as bigint
    ) as total_cents,
    count(f.days_to_deliver) as delivered,
    count(*) filter (where f.delivered_late) as delivered_late,
    sum(f.days_to_deliver) as delivery_days,
    count(f.review_score) as reviewed,
    sum(f.review_score) as review_scores
from fact_orders f
join dim_customers c on c.customer_id = f.customer_id
group by 1, 2
with no data;

-- The last day is left to fact_orders until it is over.
select add_continuous_aggregate_policy(
    'daily_customer_metrics',
    start_offset => null,
    end_offset => interval '1 day',
    schedule_interval => interval '1 hour'
)
where not exists (
    select from timescaledb_information.jobs
    where proc_name = 'policy_refresh_continuous_aggregate'
        and hypertable_schema = current_schema()
        and hypertable_name = 'daily_customer_metrics'
);

comment on view daily_customer_metrics is 'How the customers of a state ordered and were served, by day of the purchase.';
comment on column daily_customer_metrics.day is 'Instant at which the day begins in São Paulo.';
comment on column daily_customer_metrics.customer_state is 'Two-letter code of the state in which the customers live.';
comment on column daily_customer_metrics.orders is 'Count of orders placed; each has a customer_id of its own.';
comment on column daily_customer_metrics.orders_sold is 'Those that were neither cancelled nor unavailable.';
comment on column daily_customer_metrics.total_cents is 'Price and freight of orders sold, in whole cents of Brazilian reais.';
comment on column daily_customer_metrics.delivered is 'Count of orders that arrived.';
comment on column daily_customer_metrics.delivered_late is 'Those that arrived after the promised day.';
comment on column daily_customer_metrics.delivery_days is 'Sum of days from purchase to arrival; divided by `delivered` it is the mean.';
comment on column daily_customer_metrics.reviewed is 'Count of orders with a review.';
comment on column daily_customer_metrics.review_scores is 'Sum of the orders'' review scores; divided by `reviewed` it is the mean.';
