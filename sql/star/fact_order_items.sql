-- A row is an item of an order: one piece of one product from one seller. Key: order_id, order_item_id.
-- The day and the customer are the order's, so that sales by product or seller need no second fact table.
select
    i.order_id,
    i.order_item_id,
    i.product_id,
    i.seller_id,
    o.customer_id,
    cast(
        date_part('year', o.order_purchase_date) * 10000
        + date_part('month', o.order_purchase_date) * 100
        + date_part('day', o.order_purchase_date) as int
    ) as order_date_key,
    o.order_status,
    i.shipping_limit_date,
    i.price_cents,
    i.freight_cents,
    i.price_cents + i.freight_cents as total_cents
from order_items i
left join orders o on o.order_id = i.order_id
