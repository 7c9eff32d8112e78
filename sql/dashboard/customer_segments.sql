-- A row is a segment of people by recency, frequency and money spent. Key: segment. Unfiltered it is the mart customer_segments, which
-- defines the segments; with filters, people are ranked among those who bought in the period, state and category.
-- Days are counted to the data's last day, or to the end of the period if that is earlier.
with chosen as (
    select
        i.order_id,
        sum(i.total_cents) as total_cents
    from star_items i
    where i.category = $category
    group by i.order_id
),
last_day as (
    select least(max(order_purchase_date), coalesce(cast($to as date), max(order_purchase_date))) as day
    from star_orders o
),
people as (
    select
        f.customer_unique_id,
        count(*) as orders,
        cast(sum(case when $category is null then f.total_cents else k.total_cents end) as bigint) as total_cents,
        max(f.order_purchase_date) as last_order_day
    from star_orders f
    left join chosen k on k.order_id = f.order_id
    where f.known
        and f.sold
        and ($category is null or k.order_id is not null)
        and ($state is null or f.customer_state = $state)
        and ($from is null or f.order_purchase_date >= cast($from as date))
        and ($to is null or f.order_purchase_date <= cast($to as date))
    group by f.customer_unique_id
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
    cast(cast(sum(n.total_cents) as decimal(18, 2)) / count(*) / 100 as decimal(14, 2)) as average_customer_brl,
    cast(
        cast(cast(sum(l.day - n.last_order_day) as decimal(18, 2)) / count(*) as decimal(14, 1)) as double precision
    ) as average_days_since_last_order
from named n
cross join last_day l
group by n.segment
order by total_cents desc, n.segment
