-- A row is a local day on which something was ordered. Key: day.
-- Sales leave out cancelled and unavailable orders, which are counted beside them; revenue is price without freight.
-- With a category, orders are those with an item of it, and money and items are of these items alone.
with chosen as (
    select
        i.order_id,
        count(*) as items,
        sum(i.price_cents) as price_cents,
        sum(i.freight_cents) as freight_cents,
        sum(i.total_cents) as total_cents
    from star_items i
    where i.category = $category
    group by i.order_id
),
orders as (
    select
        f.order_purchase_date as day,
        f.sold,
        case when $category is null then f.items else k.items end as items,
        case when $category is null then f.price_cents else k.price_cents end as price_cents,
        case when $category is null then f.freight_cents else k.freight_cents end as freight_cents,
        case when $category is null then f.total_cents else k.total_cents end as total_cents,
        f.delivered_late
    from star_orders f
    left join chosen k on k.order_id = f.order_id
    where ($category is null or k.order_id is not null)
        and ($state is null or f.customer_state = $state)
        and ($from is null or f.order_purchase_date >= cast($from as date))
        and ($to is null or f.order_purchase_date <= cast($to as date))
)
select
    day,
    count(*) as orders_placed,
    count(*) filter (where sold) as orders_sold,
    count(*) filter (where not sold) as orders_lost,
    cast(coalesce(sum(items) filter (where sold), 0) as bigint) as items,
    cast(coalesce(sum(price_cents) filter (where sold), 0) as bigint) as revenue_cents,
    cast(coalesce(sum(freight_cents) filter (where sold), 0) as bigint) as freight_cents,
    cast(coalesce(sum(total_cents) filter (where sold), 0) as bigint) as total_cents,
    cast(
        cast(sum(total_cents) filter (where sold) as decimal(18, 2)) / nullif(count(*) filter (where sold), 0) / 100 as decimal(14, 2)
    ) as average_order_brl,
    count(*) filter (where delivered_late) as delivered_late
from orders
group by day
order by day
