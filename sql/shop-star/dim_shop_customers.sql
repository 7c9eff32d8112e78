-- A row is a customer of one shop. Key: customer_key ('woocommerce:31'): the shops number their customers each on its own.
-- The same person in two shops is two rows; whoever counts people counts distinct e-mail addresses. Guests of WooCommerce have no row:
-- they are known by their orders' e-mail only. A customer who was deleted keeps the row; WooCommerce's has nothing left but its id.
select
    'shopify:' || cast(id as varchar) as customer_key,
    'shopify' as shop,
    cast(id as varchar) as customer_id,
    nullif(lower(email), '') as email,
    nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '') as name,
    nullif(city, '') as city,
    nullif(province, '') as region,
    nullif(zip, '') as postcode,
    nullif(country, '') as country,
    created_at,
    false as deleted
from shopify_customers
union all
select
    'stripe:' || id,
    'stripe',
    id,
    nullif(lower(email), ''),
    nullif(trim(name), ''),
    nullif(city, ''),
    nullif(state, ''),
    nullif(postal_code, ''),
    nullif(country, ''),
    created,
    deleted
from stripe_customers
union all
select
    'woocommerce:' || cast(id as varchar),
    'woocommerce',
    cast(id as varchar),
    nullif(lower(email), ''),
    nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), ''),
    nullif(billing_city, ''),
    nullif(billing_state, ''),
    nullif(billing_postcode, ''),
    nullif(billing_country, ''),
    date_created,
    deleted
from woo_customers
