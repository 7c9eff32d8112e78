-- A row is an order of one shop; of Stripe, an invoice. Filled by sql/shop-star/fact_shop_orders.sql.
-- A mart, thus a materialised view: it is there after the first run, and has unique indexes in the place of keys.
create unique index if not exists fact_shop_orders_key on fact_shop_orders (order_key);

-- The orders of a customer.
create index if not exists fact_shop_orders_customer on fact_shop_orders (customer_key);
-- Spans of time.
create index if not exists fact_shop_orders_ordered_at on fact_shop_orders (ordered_at);

comment on column fact_shop_orders.order_key is 'Key: the shop, a colon, the shop''s own id.';
comment on column fact_shop_orders.shop is 'shopify, stripe or woocommerce.';
comment on column fact_shop_orders.order_id is 'The shop''s own id.';
comment on column fact_shop_orders.order_number is 'What the customer knows it by.';
comment on column fact_shop_orders.customer_key is 'Who ordered: dim_shop_customers. Null, or without a row there, where it was a guest.';
comment on column fact_shop_orders.email is 'E-mail address of the order in lower case.';
comment on column fact_shop_orders.ordered_at is 'Instant of the order.';
comment on column fact_shop_orders.status is 'Status in the shop''s own words.';
comment on column fact_shop_orders.cancelled is 'Whether it was cancelled.';
comment on column fact_shop_orders.currency is 'Currency of all amounts, three capitals.';
comment on column fact_shop_orders.total is 'What was ordered, taxes and shipping included.';
comment on column fact_shop_orders.tax is 'Taxes in the total.';
comment on column fact_shop_orders.shipping is 'Shipping in the total.';
comment on column fact_shop_orders.discount is 'Discounts, which the total has not; null where the shop does not tell: Stripe.';
comment on column fact_shop_orders.refunded is 'What was given back since.';
comment on column fact_shop_orders.items is 'Count of lines.';
