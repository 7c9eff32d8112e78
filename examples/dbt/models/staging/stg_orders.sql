-- A row is an order with what the marts ask of it: the person, the month, whether it was sold.
-- Sold is what was neither cancelled nor unavailable, as in tidegate's own marts.
select
    o.order_id,
    c.customer_unique_id,
    c.customer_state,
    o.order_status,
    o.order_status not in ('canceled', 'unavailable') as sold,
    o.order_purchase_date,
    cast(date_trunc('month', o.order_purchase_date) as date) as order_month,
    o.order_estimated_delivery_date,
    o.order_delivered_customer_date,
    o.days_to_ship,
    o.days_to_deliver,
    o.delivered_late,
    o.total_cents,
    o.review_score
from {{ source('star', 'fact_orders') }} as o
inner join {{ source('star', 'dim_customers') }} as c on c.customer_id = o.customer_id
