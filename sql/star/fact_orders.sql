-- A row is an order. Key: order_id.
-- Amounts are sums over its items and payments in whole cents; an order without items, as cancelled ones often are, has 0 items, 0 cents
-- and no freight share. The review score is the mean of the order's reviews, null where there are none.
with items as (
    select
        order_id,
        count(*) as items,
        sum(price_cents) as price_cents,
        sum(freight_cents) as freight_cents
    from order_items
    group by order_id
),
payments as (
    select
        order_id,
        count(*) as payments,
        sum(payment_value_cents) as payment_cents
    from order_payments
    group by order_id
),
reviews as (
    select
        order_id,
        count(*) as reviews,
        avg(review_score) as review_score
    from order_reviews
    group by order_id
)
select
    o.order_id,
    o.customer_id,
    cast(
        date_part('year', o.order_purchase_date) * 10000
        + date_part('month', o.order_purchase_date) * 100
        + date_part('day', o.order_purchase_date) as int
    ) as order_date_key,
    o.order_status,
    o.order_purchase_date,
    o.order_purchase_timestamp,
    o.order_approved_at,
    o.order_delivered_carrier_date,
    o.order_delivered_customer_date,
    o.order_estimated_delivery_date,
    cast(coalesce(i.items, 0) as int) as items,
    coalesce(i.price_cents, 0) as price_cents,
    coalesce(i.freight_cents, 0) as freight_cents,
    coalesce(i.price_cents + i.freight_cents, 0) as total_cents,
    case
        when i.price_cents + i.freight_cents > 0
            then cast(i.freight_cents as double) / (i.price_cents + i.freight_cents)
    end as freight_share,
    cast(coalesce(p.payments, 0) as int) as payments,
    coalesce(p.payment_cents, 0) as payment_cents,
    o.days_to_approve,
    o.days_to_ship,
    o.days_to_deliver,
    o.delivered_late,
    cast(coalesce(r.reviews, 0) as int) as reviews,
    r.review_score
from orders o
left join items i on i.order_id = o.order_id
left join payments p on p.order_id = o.order_id
left join reviews r on r.order_id = o.order_id
