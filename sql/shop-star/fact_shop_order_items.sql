-- A row is a line of an order. Key: order_key, item_id. The product and the order's day are told by their own tables.
-- The total is what the line costs after its own discounts, in the order's currency; Shopify's and Stripe's without or with tax as the shop prices.
select
    'shopify:' || cast(l.order_id as varchar) as order_key,
    'shopify' as shop,
    cast(l.id as varchar) as item_id,
    'shopify:' || cast(l.product_id as varchar) as product_key,
    cast(l.variant_id as varchar) as variant_id,
    nullif(l.sku, '') as sku,
    l.title as name,
    cast(l.quantity as decimal(18, 4)) as quantity,
    upper(l.currency) as currency,
    cast(l.quantity * l.price - coalesce(l.total_discount, 0) as decimal(22, 4)) as total
from shopify_line_items l
union all
select
    'stripe:' || l.invoice,
    'stripe',
    l.id,
    'stripe:' || l.product,
    l.price,
    cast(null as varchar),
    l.description,
    cast(l.quantity as decimal(18, 4)),
    upper(l.currency),
    cast(l.amount as decimal(22, 4))
from stripe_invoice_line_items l
join stripe_invoices i on i.id = l.invoice
where not l.deleted and not i.deleted and i.status <> 'draft'
union all
select
    'woocommerce:' || cast(l.order_id as varchar),
    'woocommerce',
    cast(l.id as varchar),
    'woocommerce:' || cast(l.product_id as varchar),
    cast(l.variation_id as varchar),
    nullif(l.sku, ''),
    l.name,
    cast(l.quantity as decimal(18, 4)),
    upper(o.currency),
    cast(l.total as decimal(22, 4))
from woo_line_items l
join woo_orders o on o.id = l.order_id
-- What is left of an order that was longer once stands above its count.
where not o.deleted and l.position <= o.line_items
