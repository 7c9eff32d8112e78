-- A row is a payment of an order; an order may be paid by card and several vouchers. Key: order_id, payment_sequential.
select
    p.order_id,
    p.payment_sequential,
    o.customer_id,
    cast(
        date_part('year', o.order_purchase_date) * 10000
        + date_part('month', o.order_purchase_date) * 100
        + date_part('day', o.order_purchase_date) as int
    ) as order_date_key,
    p.payment_type,
    p.payment_installments,
    p.payment_value_cents
from order_payments p
left join orders o on o.order_id = p.order_id
