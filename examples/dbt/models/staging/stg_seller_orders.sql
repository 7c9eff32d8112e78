-- A row is what one seller had in one order. An order of two sellers is in two rows: each of them stands for how it went.
select
    i.seller_id,
    i.order_id,
    count(*) as items,
    cast(sum(i.price_cents) as bigint) as price_cents,
    cast(sum(i.freight_cents) as bigint) as freight_cents,
    o.order_status,
    o.sold,
    o.order_purchase_date,
    o.days_to_ship,
    o.delivered_late,
    o.review_score
from {{ source('star', 'fact_order_items') }} as i
inner join {{ ref('stg_orders') }} as o on o.order_id = i.order_id
group by
    i.seller_id, i.order_id, o.order_status, o.sold, o.order_purchase_date, o.days_to_ship, o.delivered_late, o.review_score
