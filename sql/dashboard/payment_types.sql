-- A row is a way of paying. Key: payment_type. An order may be paid in several ways and then counts in each.
-- Orders that were cancelled or unavailable are left out. With a category, payments are of the orders with an item of it, in full.
with chosen as (
    select i.order_id
    from star_items i
    where i.category = $category
    group by i.order_id
)
select
    p.payment_type,
    count(*) as payments,
    count(distinct p.order_id) as orders,
    cast(sum(p.payment_value_cents) as bigint) as value_cents,
    cast(cast(sum(p.payment_value_cents) as decimal(18, 2)) / count(*) / 100 as decimal(14, 2)) as average_payment_brl,
    cast(cast(cast(sum(p.payment_installments) as decimal(18, 2)) / count(*) as decimal(14, 1)) as double precision) as average_installments
from star_payments p
join star_orders f on f.order_id = p.order_id
left join chosen k on k.order_id = p.order_id
where f.sold
    and ($category is null or k.order_id is not null)
    and ($state is null or f.customer_state = $state)
    and ($from is null or f.order_purchase_date >= cast($from as date))
    and ($to is null or f.order_purchase_date <= cast($to as date))
group by p.payment_type
order by value_cents desc, p.payment_type
