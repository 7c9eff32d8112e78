-- A row is a way of paying. Key: payment_type. An order may be paid in several ways and then counts in each.
-- Orders that were cancelled or unavailable are left out. With a category, payments are of the orders with an item of it, in full.
with chosen as (
    select i.order_id
    from fact_order_items i
    left join dim_products p on p.product_id = i.product_id
    where coalesce(p.product_category_name_english, 'unknown') = $category
    group by i.order_id
),
here as (
    select customer_id
    from dim_customers
    where customer_state = $state
),
sold as (
    select f.order_id
    from fact_orders f
    left join chosen k on k.order_id = f.order_id
    left join here h on h.customer_id = f.customer_id
    where f.order_status not in ('canceled', 'unavailable')
        and ($category is null or k.order_id is not null)
        and ($state is null or h.customer_id is not null)
        and ($from is null or f.order_purchase_date >= cast($from as date))
        and ($to is null or f.order_purchase_date <= cast($to as date))
)
select
    p.payment_type,
    count(*) as payments,
    count(distinct p.order_id) as orders,
    cast(sum(p.payment_value_cents) as bigint) as value_cents,
    cast(cast(sum(p.payment_value_cents) as decimal(18, 2)) / count(*) / 100 as decimal(14, 2)) as average_payment_brl,
    cast(cast(cast(sum(p.payment_installments) as decimal(18, 2)) / count(*) as decimal(14, 1)) as double precision) as average_installments
from fact_payments p
join sold s on s.order_id = p.order_id
group by p.payment_type
order by value_cents desc, p.payment_type
