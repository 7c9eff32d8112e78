-- A row is one of the 10 products with the most revenue (price without freight, cancelled and unavailable orders left out). Key: rank.
-- Equal revenue is ranked by product_id. Orders and sellers are counted for the 10 only, as in the mart top_products, whose first rows these
-- are without filters. $from_key and $to_key are days as yyyymmdd.
with here as (
    select customer_id
    from dim_customers
    where customer_state = $state
),
items as (
    select
        i.product_id,
        i.order_id,
        i.seller_id,
        i.price_cents
    from fact_order_items i
    left join here h on h.customer_id = i.customer_id
    where i.order_status not in ('canceled', 'unavailable')
        and ($state is null or h.customer_id is not null)
        and ($from_key is null or i.order_date_key >= cast($from_key as int))
        and ($to_key is null or i.order_date_key <= cast($to_key as int))
),
sales as (
    select
        i.product_id,
        count(*) as items,
        cast(sum(i.price_cents) as bigint) as revenue_cents
    from items i
    left join dim_products p on p.product_id = i.product_id
    where $category is null or coalesce(p.product_category_name_english, 'unknown') = $category
    group by i.product_id
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
    where rank <= 10
),
counted as (
    select
        i.product_id,
        count(distinct i.order_id) as orders,
        count(distinct i.seller_id) as sellers
    from top t
    join items i on i.product_id = t.product_id
    group by i.product_id
)
select
    t.rank,
    t.product_id,
    coalesce(p.product_category_name_english, 'unknown') as category,
    t.items,
    c.orders,
    c.sellers,
    t.revenue_cents,
    cast(cast(t.revenue_cents as decimal(18, 2)) / t.items / 100 as decimal(14, 2)) as average_price_brl
from top t
join counted c on c.product_id = t.product_id
left join dim_products p on p.product_id = t.product_id
order by t.rank
