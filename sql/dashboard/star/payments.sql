-- star_payments: a payment of an order as the dashboard's statements read it.
select
    order_id,
    payment_type,
    payment_installments,
    payment_value_cents
from fact_payments
