-- A row is one of the 100 products with the most revenue (price without freight, cancelled and unavailable orders left out). Key: rank.
-- Equal revenue is ranked by product_id, so that the list is the same each time.
with sales as (
    select
        product_id,
        count(*) as items,
        count(distinct order_id) as orders,
        count(distinct seller_id) as sellers,
        sum(price_cents) as revenue_cents
    from fact_order_items
    where order_status not in ('canceled', 'unavailable')
    group by product_id
),
ranked as (
    select
        cast(row_number() over (order by revenue_cents desc, product_id) as int) as rank,
        s.*
    from sales s
)
select
    r.rank,
    r.product_id,
    coalesce(p.product_category_name, 'unknown') as product_category_name,
    coalesce(p.product_category_name_english, 'unknown') as product_category_name_english,
    r.items,
    r.orders,
    r.sellers,
    r.revenue_cents,
    cast(cast(r.revenue_cents as decimal(18, 2)) / 100 as decimal(14, 2)) as revenue_brl,
    cast(cast(r.revenue_cents as decimal(18, 2)) / r.items / 100 as decimal(14, 2)) as average_price_brl
from ranked r
left join dim_products p on p.product_id = r.product_id
where r.rank <= 100
order by r.rank
