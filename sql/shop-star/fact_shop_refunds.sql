-- A row is money that went back. Key: refund_key. Stripe's refunds that failed or were cancelled are left out.
select
    'shopify:' || cast(r.id as varchar) as refund_key,
    'shopify' as shop,
    'shopify:' || cast(r.order_id as varchar) as order_key,
    r.created_at as refunded_at,
    nullif(r.note, '') as reason,
    upper(r.currency) as currency,
    cast(r.total as decimal(22, 4)) as amount
from shopify_refunds r
union all
select
    'stripe:' || r.id,
    'stripe',
    'stripe:' || coalesce(c.invoice, i.id),
    r.created,
    r.reason,
    upper(r.currency),
    cast(r.amount as decimal(22, 4))
from stripe_refunds r
left join stripe_charges c on c.id = r.charge
left join stripe_invoices i on i.charge = c.id
where r.status is null or r.status not in ('failed', 'canceled')
union all
select
    'woocommerce:' || cast(r.id as varchar),
    'woocommerce',
    'woocommerce:' || cast(r.order_id as varchar),
    r.date_created,
    nullif(r.reason, ''),
    upper(r.currency),
    cast(r.amount as decimal(22, 4))
from woo_refunds r
join woo_orders o on o.id = r.order_id
where not o.deleted
