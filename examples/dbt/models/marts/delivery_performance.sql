-- A row is a month of purchase and a state of customers, with at least one order delivered there: how long it took, and what was promised.
-- Days count from the purchase. `days_early` is what was left of the promise, below zero where it was broken.
select
    order_month,
    customer_state,
    count(*) as orders_delivered,
    count(*) filter (where delivered_late) as orders_late,
    cast(cast(count(*) filter (where delivered_late) as numeric(18, 4)) / count(*) as numeric(7, 4)) as late_share,
    avg(days_to_deliver) as average_days,
    percentile_cont(0.9) within group (order by days_to_deliver) as days_of_nine_in_ten,
    cast(avg(order_estimated_delivery_date - order_purchase_date) as double precision) as average_days_promised,
    avg(cast(order_estimated_delivery_date - order_purchase_date as double precision) - days_to_deliver) as average_days_early
from {{ ref('stg_orders') }}
where order_status = 'delivered' and days_to_deliver is not null
group by order_month, customer_state
