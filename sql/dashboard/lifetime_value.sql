-- How much people spent, and who has churned. A row is a bucket of what a person spent in all, price and freight. Key: bucket.
-- People, money and churn are those of the mart customer_lifetime_value: orders neither cancelled nor unavailable, churned after more than 90
-- days without one. Days are counted to the data's last day or the mart's `as_of`, or to the end of the period if that is earlier.
with chosen as (
    select
        i.order_id,
        sum(i.total_cents) as total_cents
    from star_items i
    where i.category = $category
    group by i.order_id
),
last_day as (
    select
        least(
            coalesce(cast($as_of as date), max(order_purchase_date)),
            coalesce(cast($to as date), cast($as_of as date), max(order_purchase_date))
        ) as day
    from star_orders o
),
bought as (
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
people as (
    select
        b.orders,
        b.total_cents,
        l.day - b.last_order_day > 90 as churned
    from bought b
    cross join last_day l
),
spent as (
    select
        p.*,
        case
            when total_cents < 5000 then 1
            when total_cents < 10000 then 2
            when total_cents < 20000 then 3
            when total_cents < 50000 then 4
            when total_cents < 100000 then 5
            else 6
        end as bucket
    from people p
)
select
    cast(bucket as int) as bucket,
    case bucket
        when 1 then 'under 50'
        when 2 then '50 to 100'
        when 3 then '100 to 200'
        when 4 then '200 to 500'
        when 5 then '500 to 1000'
        else '1000 and more'
    end as spent_brl,
    count(*) as customers,
    count(*) filter (where not churned) as active,
    count(*) filter (where churned) as churned,
    count(*) filter (where orders > 1) as came_back,
    cast(sum(orders) as bigint) as orders,
    cast(sum(total_cents) as bigint) as total_cents
from spent
group by bucket
order by bucket
