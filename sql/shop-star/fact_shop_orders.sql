-- A row is an order of one shop; of Stripe, an invoice that is no draft. Key: order_key ('stripe:in_1P...').
-- Amounts are in the order's own currency: sums over several shops group by it. The total is what was ordered, taxes and shipping included;
-- refunded is what was given back since. Where a shop does not tell an amount it is null, not 0. Orders that were deleted or lie in a bin have no row.
with
shopify_refunded as (
    select order_id, sum(total) as refunded from shopify_refunds group by order_id
),
shopify_counts as (
    select order_id, count(*) as items from shopify_line_items group by order_id
),
stripe_paid as (
    select coalesce(c.invoice, i.id) as invoice, sum(c.amount_refunded) as refunded
    from stripe_charges c
    left join stripe_invoices i on i.charge = c.id
    group by coalesce(c.invoice, i.id)
),
stripe_counts as (
    select invoice, count(*) as items from stripe_invoice_line_items where not deleted group by invoice
)
select
    'shopify:' || cast(o.id as varchar) as order_key,
    'shopify' as shop,
    cast(o.id as varchar) as order_id,
    o.name as order_number,
    'shopify:' || cast(o.customer_id as varchar) as customer_key,
    nullif(lower(o.email), '') as email,
    coalesce(o.processed_at, o.created_at) as ordered_at,
    o.financial_status as status,
    o.cancelled_at is not null as cancelled,
    upper(o.currency) as currency,
    cast(o.total as decimal(22, 4)) as total,
    cast(o.total_tax as decimal(22, 4)) as tax,
    cast(o.total_shipping as decimal(22, 4)) as shipping,
    cast(o.total_discounts as decimal(22, 4)) as discount,
    cast(coalesce(r.refunded, 0) as decimal(22, 4)) as refunded,
    cast(coalesce(n.items, 0) as bigint) as items
from shopify_orders o
left join shopify_refunded r on r.order_id = o.id
left join shopify_counts n on n.order_id = o.id
union all
select
    'stripe:' || i.id,
    'stripe',
    i.id,
    i.number,
    'stripe:' || i.customer,
    nullif(lower(i.customer_email), ''),
    coalesce(i.finalized_at, i.created),
    i.status,
    i.status in ('void', 'uncollectible'),
    upper(i.currency),
    cast(i.total as decimal(22, 4)),
    cast(i.total - i.total_excluding_tax as decimal(22, 4)),
    cast(i.amount_shipping as decimal(22, 4)),
    cast(null as decimal(22, 4)),
    cast(coalesce(p.refunded, 0) as decimal(22, 4)),
    cast(coalesce(n.items, 0) as bigint)
from stripe_invoices i
left join stripe_paid p on p.invoice = i.id
left join stripe_counts n on n.invoice = i.id
where not i.deleted and i.status <> 'draft'
union all
select
    'woocommerce:' || cast(o.id as varchar),
    'woocommerce',
    cast(o.id as varchar),
    o.number,
    'woocommerce:' || cast(o.customer_id as varchar),
    nullif(lower(o.billing_email), ''),
    o.date_created,
    o.status,
    o.status in ('cancelled', 'failed'),
    upper(o.currency),
    cast(o.total as decimal(22, 4)),
    cast(o.total_tax as decimal(22, 4)),
    cast(o.shipping_total as decimal(22, 4)),
    cast(o.discount_total as decimal(22, 4)),
    cast(o.refunded as decimal(22, 4)),
    o.line_items
from woo_orders o
where not o.deleted
