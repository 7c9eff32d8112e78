-- A row is a line of an order. Filled by sql/shop-star/fact_shop_order_items.sql.
-- A mart, thus a materialised view: it is there after the first run, and has unique indexes in the place of keys.
create unique index if not exists fact_shop_order_items_key on fact_shop_order_items (order_key, item_id);

-- Sales of a product.
create index if not exists fact_shop_order_items_product on fact_shop_order_items (product_key);

comment on column fact_shop_order_items.order_key is 'Key, with item_id: the order, fact_shop_orders.';
comment on column fact_shop_order_items.shop is 'shopify, stripe or woocommerce.';
comment on column fact_shop_order_items.item_id is 'The shop''s own id of the line.';
comment on column fact_shop_order_items.product_key is 'What was bought: dim_shop_products. Null where the line is no product.';
comment on column fact_shop_order_items.variant_id is 'The shop''s own id of the variant; of Stripe, of the price.';
comment on column fact_shop_order_items.sku is 'Stock keeping unit.';
comment on column fact_shop_order_items.name is 'Name of the product as it was sold.';
comment on column fact_shop_order_items.quantity is 'How many.';
comment on column fact_shop_order_items.currency is 'Currency of the total, three capitals.';
comment on column fact_shop_order_items.total is 'What the line costs after its own discounts.';
