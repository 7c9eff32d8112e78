-- A row is money that came in. Key: payment_key.
-- Of Stripe it is a charge that was paid. Shopify and WooCommerce tell of an order that it was paid, so there is one row per paid order.
-- Where a shop takes its money through Stripe, the same money stands here twice, once per shop: choose the shop. Stripe's charges name
-- their invoice in API versions before 2025-03-31 only; order_key is null where nothing names it.
select
    'shopify:' || cast(o.id as varchar) as payment_key,
    'shopify' as shop,
    'shopify:' || cast(o.id as varchar) as order_key,
    'shopify:' || cast(o.customer_id as varchar) as customer_key,
    coalesce(o.processed_at, o.created_at) as paid_at,
    cast(null as varchar) as method,
    cast(null as varchar) as reference,
    upper(o.currency) as currency,
    cast(o.total as decimal(22, 4)) as amount
from shopify_orders o
where o.financial_status in ('paid', 'partially_refunded', 'refunded')
union all
select
    'stripe:' || c.id,
    'stripe',
    'stripe:' || coalesce(c.invoice, i.id),
    'stripe:' || c.customer,
    c.created,
    c.payment_method_type,
    c.payment_intent,
    upper(c.currency),
    cast(c.amount_captured as decimal(22, 4))
from stripe_charges c
left join stripe_invoices i on i.charge = c.id
where c.paid and c.captured
union all
select
    'woocommerce:' || cast(o.id as varchar),
    'woocommerce',
    'woocommerce:' || cast(o.id as varchar),
    'woocommerce:' || cast(o.customer_id as varchar),
    o.date_paid,
    nullif(o.payment_method, ''),
    nullif(o.transaction_id, ''),
    upper(o.currency),
    cast(o.total as decimal(22, 4))
from woo_orders o
where not o.deleted and o.date_paid is not null
