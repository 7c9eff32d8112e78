-- A row is money that went back. Filled by sql/shop-star/fact_shop_refunds.sql.
-- A mart, thus a materialised view: it is there after the first run, and has unique indexes in the place of keys.
create unique index if not exists fact_shop_refunds_key on fact_shop_refunds (refund_key);

-- The refunds of an order.
create index if not exists fact_shop_refunds_order on fact_shop_refunds (order_key);
-- Spans of time.
create index if not exists fact_shop_refunds_refunded_at on fact_shop_refunds (refunded_at);

comment on column fact_shop_refunds.refund_key is 'Key: the shop, a colon, the shop''s own id.';
comment on column fact_shop_refunds.shop is 'shopify, stripe or woocommerce.';
comment on column fact_shop_refunds.order_key is 'What it was paid back of: fact_shop_orders. Null where nothing names it.';
comment on column fact_shop_refunds.refunded_at is 'Instant of the refund.';
comment on column fact_shop_refunds.reason is 'Why, in the shop''s own words.';
comment on column fact_shop_refunds.currency is 'Currency of the amount, three capitals.';
comment on column fact_shop_refunds.amount is 'What went back.';
