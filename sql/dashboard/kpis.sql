-- The figures on the cards. A row is a period: `now` ($from to $to) and `before` ($before_from to $before_to), each where it has orders.
-- Defined as in the marts: sales leave out cancelled and unavailable orders; revenue is price without freight, the average order is price and
-- freight. Late is a share of the orders that were delivered, and the review score a mean over the orders that were reviewed, sold or not.
-- With a category, orders are those with an item of it, and money is of these items alone.
with chosen as (
    select
        i.order_id,
        sum(i.price_cents) as price_cents,
        sum(i.total_cents) as total_cents
    from star_items i
    where i.category = $category
    group by i.order_id
),
orders as (
    select
        case when f.order_purchase_date >= cast($from as date) then 'now' else 'before' end as period,
        f.sold,
        case when $category is null then f.price_cents else k.price_cents end as price_cents,
        case when $category is null then f.total_cents else k.total_cents end as total_cents,
        f.delivered_late,
        f.review_micros
    from star_orders f
    left join chosen k on k.order_id = f.order_id
    where ($category is null or k.order_id is not null)
        and ($state is null or f.customer_state = $state)
        and (
            f.order_purchase_date between cast($from as date) and cast($to as date)
            or f.order_purchase_date between cast($before_from as date) and cast($before_to as date)
        )
)
select
    period,
    count(*) as orders_placed,
    count(*) filter (where sold) as orders_sold,
    cast(coalesce(sum(price_cents) filter (where sold), 0) as bigint) as revenue_cents,
    cast(coalesce(sum(total_cents) filter (where sold), 0) as bigint) as total_cents,
    cast(
        cast(sum(total_cents) filter (where sold) as decimal(18, 2)) / nullif(count(*) filter (where sold), 0) / 100 as decimal(14, 2)
    ) as average_order_brl,
    count(delivered_late) as delivered,
    count(*) filter (where delivered_late) as delivered_late,
    count(review_micros) as reviewed,
    cast(
        cast(sum(review_micros) as decimal(24, 2)) / nullif(count(review_micros), 0) / 1000000 as decimal(14, 2)
    ) as review_score
from orders
group by period
order by period desc
