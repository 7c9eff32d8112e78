-- A row is a seller with at least one order: what was sold, how it went, and the place among all sellers by revenue.
-- Revenue is price without freight of orders that were neither cancelled nor unavailable. Shares are of orders; the late share is of those
-- that were delivered, null where none was.
with sellers as (
    select
        seller_id,
        count(*) as orders,
        count(*) filter (where sold) as orders_sold,
        cast(coalesce(sum(items) filter (where sold), 0) as bigint) as items_sold,
        cast(coalesce(sum(price_cents) filter (where sold), 0) as bigint) as revenue_cents,
        count(*) filter (where order_status = 'canceled') as orders_canceled,
        count(*) filter (where order_status = 'delivered') as orders_delivered,
        count(*) filter (where order_status = 'delivered' and delivered_late) as orders_late,
        percentile_cont(0.5) within group (order by days_to_ship) as median_days_to_ship,
        avg(review_score) as average_review_score,
        min(order_purchase_date) as first_sale,
        max(order_purchase_date) as last_sale
    from {{ ref('stg_seller_orders') }}
    group by seller_id
)

select
    s.seller_id,
    d.seller_city,
    d.seller_state,
    s.orders,
    s.orders_sold,
    s.items_sold,
    cast(cast(s.revenue_cents as numeric(18, 2)) / 100 as numeric(14, 2)) as revenue_brl,
    rank() over (order by s.revenue_cents desc) as revenue_rank,
    cast(cast(s.orders_canceled as numeric(18, 4)) / s.orders as numeric(7, 4)) as canceled_share,
    cast(cast(s.orders_late as numeric(18, 4)) / nullif(s.orders_delivered, 0) as numeric(7, 4)) as late_share,
    s.median_days_to_ship,
    s.average_review_score,
    s.first_sale,
    s.last_sale
from sellers as s
inner join {{ source('star', 'dim_sellers') }} as d on d.seller_id = s.seller_id
