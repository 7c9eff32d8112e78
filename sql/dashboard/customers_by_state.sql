-- A row is a state in which a customer lives. Key: customer_state. Unfiltered it is the mart customers_by_state.
-- A person who ordered from two states counts in both. Money is of orders that were neither cancelled nor unavailable. With a category,
-- customers are those who ordered an item of it, and money is of these items alone.
with chosen as (
    select
        i.order_id,
        sum(i.total_cents) as total_cents
    from star_items i
    where i.category = $category
    group by i.order_id
),
orders as (
    select
        f.customer_state,
        f.customer_unique_id,
        f.sold,
        case when $category is null then f.total_cents else k.total_cents end as total_cents,
        f.delivered_late,
        f.delivery_micros
    from star_orders f
    left join chosen k on k.order_id = f.order_id
    where f.known
        and ($category is null or k.order_id is not null)
        and ($state is null or f.customer_state = $state)
        and ($from is null or f.order_purchase_date >= cast($from as date))
        and ($to is null or f.order_purchase_date <= cast($to as date))
)
select
    customer_state,
    count(distinct customer_unique_id) as customers,
    count(*) as orders_placed,
    count(*) filter (where sold) as orders_sold,
    cast(coalesce(sum(total_cents) filter (where sold), 0) as bigint) as total_cents,
    cast(
        cast(sum(total_cents) filter (where sold) as decimal(18, 2)) / nullif(count(*) filter (where sold), 0) / 100 as decimal(14, 2)
    ) as average_order_brl,
    cast(
        cast(cast(sum(delivery_micros) as decimal(20, 2)) / nullif(count(delivery_micros), 0) / 86400000000 as decimal(14, 2))
        as double precision
    ) as average_days_to_deliver,
    count(*) filter (where delivered_late) as delivered_late
from orders
group by customer_state
order by customers desc, customer_state
