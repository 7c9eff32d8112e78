-- The mart customer_lifetime_value in buckets, for the overview without filters: the rows of lifetime_value.sql.
with people as (
    select orders, total_cents, churned
    from customer_lifetime_value
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
