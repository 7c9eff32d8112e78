-- A row is a person with at least one order that was neither cancelled nor unavailable. Key: customer_unique_id.
-- Spent is price and freight of those orders. Days are counted to the data's own last day, the last purchase day in fact_orders, so that
-- history gives the same answer tomorrow, or to the pipeline's parameter `as_of` (2018-08-31); whoever bought nothing for more than 90
-- days has churned.
with last_day as (
    select coalesce(cast($as_of as date), max(order_purchase_date)) as day
    from fact_orders
),
people as (
    select
        c.customer_unique_id,
        count(*) as orders,
        cast(sum(f.total_cents) as bigint) as total_cents,
        min(f.order_purchase_date) as first_order_day,
        max(f.order_purchase_date) as last_order_day
    from fact_orders f
    join dim_customers c on c.customer_id = f.customer_id
    where f.order_status not in ('canceled', 'unavailable')
    group by c.customer_unique_id
)
select
    p.customer_unique_id,
    p.orders,
    p.total_cents,
    cast(cast(p.total_cents as decimal(18, 2)) / 100 as decimal(14, 2)) as total_brl,
    cast(cast(p.total_cents as decimal(18, 2)) / p.orders / 100 as decimal(14, 2)) as average_order_brl,
    p.first_order_day,
    p.last_order_day,
    cast(l.day - p.last_order_day as int) as days_since_last_order,
    l.day - p.last_order_day > 90 as churned
from people p
cross join last_day l
