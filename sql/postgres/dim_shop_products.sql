-- A row is a product of one shop. Filled by sql/shop-star/dim_shop_products.sql.
-- A mart, thus a materialised view: it is there after the first run, and has unique indexes in the place of keys.
create unique index if not exists dim_shop_products_key on dim_shop_products (product_key);

-- Sales of one category.
create index if not exists dim_shop_products_category on dim_shop_products (category);

comment on column dim_shop_products.product_key is 'Key: the shop, a colon, the shop''s own id.';
comment on column dim_shop_products.shop is 'shopify, stripe or woocommerce.';
comment on column dim_shop_products.product_id is 'The shop''s own id.';
comment on column dim_shop_products.name is 'Name.';
comment on column dim_shop_products.category is 'Category as the shop names it, null where it has none; Stripe has none.';
comment on column dim_shop_products.status is 'Status in the shop''s own words.';
comment on column dim_shop_products.created_at is 'Instant at which the shop made the record.';
comment on column dim_shop_products.deleted is 'Whether the shop has deleted the product.';
