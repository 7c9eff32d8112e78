-- A row is a state in which a customer lives. Key: customer_state.
-- A person who ordered from two states counts in both. Money is of orders that were neither cancelled nor unavailable.
with orders as (
    select
        c.customer_state,
        c.customer_unique_id,
        f.order_status not in ('canceled', 'unavailable') as sold,
        f.total_cents,
        f.delivered_late,
        -- whole microseconds, so that the mean does not depend on the order of adding
        cast(
            round(extract(epoch from f.order_delivered_customer_date - f.order_purchase_timestamp) * 1000000) as bigint
        ) as delivery_micros
    from fact_orders f
    join dim_customers c on c.customer_id = f.customer_id
)
select
    customer_state,
    count(distinct customer_unique_id) as customers,
    count(*) as orders_placed,
    count(*) filter (where sold) as orders_sold,
    cast(coalesce(sum(total_cents) filter (where sold), 0) as bigint) as total_cents,
    cast(cast(coalesce(sum(total_cents) filter (where sold), 0) as decimal(18, 2)) / 100 as decimal(14, 2)) as total_brl,
    cast(
        cast(sum(total_cents) filter (where sold) as decimal(18, 2)) / (count(*) filter (where sold)) / 100 as decimal(14, 2)
    ) as average_order_brl,
    cast(
        cast(cast(sum(delivery_micros) as decimal(20, 2)) / count(delivery_micros) / 86400000000 as decimal(14, 2)) as double precision
    ) as average_days_to_deliver,
    count(*) filter (where delivered_late) as delivered_late
from orders
group by customer_state
order by total_cents desc, customer_state
