-- A row is a product of one shop. Key: product_key ('shopify:632910392'). Variants and variations are products' matter: an item names its own.
-- A product that was deleted keeps the row; WooCommerce's has nothing left but its id.
select
    'shopify:' || cast(id as varchar) as product_key,
    'shopify' as shop,
    cast(id as varchar) as product_id,
    title as name,
    nullif(product_type, '') as category,
    status,
    created_at,
    false as deleted
from shopify_products
union all
select
    'stripe:' || id,
    'stripe',
    id,
    name,
    cast(null as varchar),
    case when active then 'active' else 'inactive' end,
    created,
    deleted
from stripe_products
union all
select
    'woocommerce:' || cast(id as varchar),
    'woocommerce',
    cast(id as varchar),
    name,
    nullif(categories, ''),
    status,
    date_created,
    deleted
from woo_products
