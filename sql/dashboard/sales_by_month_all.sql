-- The mart sales_by_month, for the overview without filters: the rows of sales_by_month.sql.
select
    month,
    orders_placed,
    orders_sold,
    orders_lost,
    cast(items as bigint) as items,
    revenue_cents,
    freight_cents,
    total_cents,
    average_order_brl,
    delivered_late
from sales_by_month
order by month
