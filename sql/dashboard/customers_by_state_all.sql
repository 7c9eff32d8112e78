-- The mart customers_by_state, for the overview without filters: the rows of customers_by_state.sql.
select
    customer_state,
    customers,
    orders_placed,
    orders_sold,
    total_cents,
    average_order_brl,
    average_days_to_deliver,
    delivered_late
from customers_by_state
order by customers desc, customer_state
