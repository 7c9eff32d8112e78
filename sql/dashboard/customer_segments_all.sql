-- The mart customer_segments, for the overview without filters: the rows of customer_segments.sql.
select
    segment,
    customers,
    orders,
    total_cents,
    average_customer_brl,
    average_days_since_last_order
from customer_segments
order by total_cents desc, segment
