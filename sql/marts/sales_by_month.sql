-- A row is a month in which something was ordered, by local purchase day. Key: month.
-- Sales leave out cancelled and unavailable orders, which are counted beside them; revenue is price without freight.
with orders as (
    select
        cast(date_trunc('month', order_purchase_date) as date) as month,
        order_status not in ('canceled', 'unavailable') as sold,
        f.*
    from fact_orders f
)
select
    month,
    count(*) as orders_placed,
    count(*) filter (where sold) as orders_sold,
    count(*) filter (where not sold) as orders_lost,
    coalesce(sum(items) filter (where sold), 0) as items,
    cast(coalesce(sum(price_cents) filter (where sold), 0) as bigint) as revenue_cents,
    cast(coalesce(sum(freight_cents) filter (where sold), 0) as bigint) as freight_cents,
    cast(coalesce(sum(total_cents) filter (where sold), 0) as bigint) as total_cents,
    cast(cast(coalesce(sum(price_cents) filter (where sold), 0) as decimal(18, 2)) / 100 as decimal(14, 2)) as revenue_brl,
    cast(cast(coalesce(sum(freight_cents) filter (where sold), 0) as decimal(18, 2)) / 100 as decimal(14, 2)) as freight_brl,
    cast(
        cast(sum(total_cents) filter (where sold) as decimal(18, 2)) / (count(*) filter (where sold)) / 100 as decimal(14, 2)
    ) as average_order_brl,
    count(*) filter (where delivered_late) as delivered_late
from orders
group by month
order by month
