-- A row is one of the 100 products with the most revenue (price without freight, cancelled and unavailable orders left out). Key: rank.
-- Equal revenue is ranked by product_id, so that the list is the same each time. Orders and sellers are counted for the 100 only: a set of
-- them for every product would not fit into memory.
with sales as (
    select
        product_id,
        count(*) as items,
        cast(sum(price_cents) as bigint) as revenue_cents
    from fact_order_items
    where order_status not in ('canceled', 'unavailable')
    group by product_id
),
ranked as (
    select
        cast(row_number() over (order by revenue_cents desc, product_id) as int) as rank,
        s.*
    from sales s
),
top as (
    select *
    from ranked
    where rank <= 100
),
counted as (
    select
        i.product_id,
        count(distinct i.order_id) as orders,
        count(distinct i.seller_id) as sellers
    from top t
    join fact_order_items i on i.product_id = t.product_id
    where i.order_status not in ('canceled', 'unavailable')
    group by i.product_id
)
select
    t.rank,
    t.product_id,
    coalesce(p.product_category_name, 'unknown') as product_category_name,
    coalesce(p.product_category_name_english, 'unknown') as product_category_name_english,
    t.items,
    c.orders,
    c.sellers,
    t.revenue_cents,
    cast(cast(t.revenue_cents as decimal(18, 2)) / 100 as decimal(14, 2)) as revenue_brl,
    cast(cast(t.revenue_cents as decimal(18, 2)) / t.items / 100 as decimal(14, 2)) as average_price_brl
from top t
join counted c on c.product_id = t.product_id
left join dim_products p on p.product_id = t.product_id
order by t.rank
