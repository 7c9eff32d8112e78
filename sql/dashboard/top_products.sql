-- A row is one of the 10 products with the most revenue (price without freight, cancelled and unavailable orders left out). Key: rank.
-- Equal revenue is ranked by product_id. Orders and sellers are counted for the 10 only, as in the mart top_products, whose first rows these
-- are without filters. $from_key and $to_key are days as yyyymmdd.
with items as (
    select
        i.product_id,
        i.category,
        i.order_id,
        i.seller_id,
        i.price_cents
    from star_items i
    where i.sold
        and ($category is null or i.category = $category)
        and ($state is null or i.order_id in (select o.order_id from star_orders o where o.customer_state = $state))
        and ($from_key is null or i.order_date_key >= cast($from_key as int))
        and ($to_key is null or i.order_date_key <= cast($to_key as int))
),
top as (
    select
        i.product_id,
        count(*) as items,
        cast(sum(i.price_cents) as bigint) as revenue_cents
    from items i
    group by i.product_id
    order by revenue_cents desc, i.product_id
    limit 10
),
counted as (
    select
        t.product_id,
        t.items,
        t.revenue_cents,
        min(i.category) as category,
        count(distinct i.order_id) as orders,
        count(distinct i.seller_id) as sellers
    from top t
    join items i on i.product_id = t.product_id
    group by
        t.product_id,
        t.items,
        t.revenue_cents
)
select
    cast(row_number() over (order by revenue_cents desc, product_id) as int) as rank,
    product_id,
    category,
    items,
    orders,
    sellers,
    revenue_cents,
    cast(cast(revenue_cents as decimal(18, 2)) / items / 100 as decimal(14, 2)) as average_price_brl
from counted
order by rank
