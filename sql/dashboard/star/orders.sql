-- star_orders: an order as the dashboard's statements read it, with the person who ordered and where they live. Key: order_id.
-- An order whose customer is not in dim_customers is there all the same; `known` says whether the customer is.
select
    f.order_id,
    c.customer_id is not null as known,
    c.customer_unique_id,
    c.customer_state,
    f.order_purchase_date,
    f.order_status not in ('canceled', 'unavailable') as sold,
    f.items,
    f.price_cents,
    f.freight_cents,
    f.total_cents,
    f.delivered_late,
    -- whole microseconds and millionths, so that a mean does not depend on the order of adding
    cast(
        round(extract(epoch from f.order_delivered_customer_date - f.order_purchase_timestamp) * 1000000) as bigint
    ) as delivery_micros,
    cast(round(f.review_score * 1000000) as bigint) as review_micros
from fact_orders f
left join dim_customers c on c.customer_id = f.customer_id
