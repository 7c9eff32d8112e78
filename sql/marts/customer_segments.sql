-- A row is a segment of people by recency, frequency and money spent. Key: segment.
-- Recency and money are fifths (5 is best); people who are equal share a fifth. Nearly everybody buys once, so frequency only tells who
-- came back. The first segment that fits counts: champions, loyal, big_spenders, newcomers, slipping_big_spenders, asleep, occasional.
with last_day as (
    select max(order_purchase_date) as day
    from fact_orders
),
people as (
    select
        c.customer_unique_id,
        count(*) as orders,
        cast(sum(f.total_cents) as bigint) as total_cents,
        max(f.order_purchase_date) as last_order_day
    from fact_orders f
    join dim_customers c on c.customer_id = f.customer_id
    where f.order_status not in ('canceled', 'unavailable')
    group by c.customer_unique_id
),
scored as (
    select
        p.*,
        -- whole numbers: 5 * (rank - 1) / people is 0 to 4
        5 * (cast(rank() over (order by last_order_day) as bigint) - 1) / (count(*) over ()) + 1 as recency,
        5 * (cast(rank() over (order by total_cents) as bigint) - 1) / (count(*) over ()) + 1 as money
    from people p
),
named as (
    select
        s.*,
        case
            when orders > 1 and recency >= 4 and money >= 4 then 'champions'
            when orders > 1 then 'loyal'
            when recency >= 4 and money >= 4 then 'big_spenders'
            when recency >= 4 then 'newcomers'
            when recency <= 2 and money >= 4 then 'slipping_big_spenders'
            when recency <= 2 then 'asleep'
            else 'occasional'
        end as segment
    from scored s
)
select
    n.segment,
    count(*) as customers,
    cast(sum(n.orders) as bigint) as orders,
    cast(sum(n.total_cents) as bigint) as total_cents,
    cast(cast(sum(n.total_cents) as decimal(18, 2)) / 100 as decimal(14, 2)) as total_brl,
    cast(cast(sum(n.total_cents) as decimal(18, 2)) / count(*) / 100 as decimal(14, 2)) as average_customer_brl,
    cast(
        cast(cast(sum(l.day - n.last_order_day) as decimal(18, 2)) / count(*) as decimal(14, 1)) as double precision
    ) as average_days_since_last_order
from named n
cross join last_day l
group by n.segment
order by total_cents desc, n.segment
