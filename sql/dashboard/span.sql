-- The first and the last local day on which something was ordered, and how many orders there are.
select
    min(order_purchase_date) as first_day,
    max(order_purchase_date) as last_day,
    count(*) as orders
from fact_orders
