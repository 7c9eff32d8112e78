-- A row is a customer of one shop. Filled by sql/shop-star/dim_shop_customers.sql.
-- A mart, thus a materialised view: it is there after the first run, and has unique indexes in the place of keys.
create unique index if not exists dim_shop_customers_key on dim_shop_customers (customer_key);

-- The same person in several shops.
create index if not exists dim_shop_customers_email on dim_shop_customers (email);

comment on column dim_shop_customers.customer_key is 'Key: the shop, a colon, the shop''s own id.';
comment on column dim_shop_customers.shop is 'shopify, stripe or woocommerce.';
comment on column dim_shop_customers.customer_id is 'The shop''s own id.';
comment on column dim_shop_customers.email is 'E-mail address in lower case, null where the shop has none.';
comment on column dim_shop_customers.name is 'Name, null where the shop has none.';
comment on column dim_shop_customers.city is 'City.';
comment on column dim_shop_customers.region is 'Region as the shop names it: province, state, county.';
comment on column dim_shop_customers.postcode is 'Postcode.';
comment on column dim_shop_customers.country is 'Country as the shop names it.';
comment on column dim_shop_customers.created_at is 'Instant at which the shop made the record.';
comment on column dim_shop_customers.deleted is 'Whether the shop has deleted the customer.';
