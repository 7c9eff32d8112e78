-- A row is money that came in. Filled by sql/shop-star/fact_shop_payments.sql.
-- A mart, thus a materialised view: it is there after the first run, and has unique indexes in the place of keys.
create unique index if not exists fact_shop_payments_key on fact_shop_payments (payment_key);

-- The payments of an order.
create index if not exists fact_shop_payments_order on fact_shop_payments (order_key);
-- Spans of time.
create index if not exists fact_shop_payments_paid_at on fact_shop_payments (paid_at);

comment on column fact_shop_payments.payment_key is 'Key: the shop, a colon, the shop''s own id of the charge, or of the order that was paid.';
comment on column fact_shop_payments.shop is 'shopify, stripe or woocommerce.';
comment on column fact_shop_payments.order_key is 'What was paid: fact_shop_orders. Null where nothing names it.';
comment on column fact_shop_payments.customer_key is 'Who paid: dim_shop_customers. Null, or without a row there, where it was a guest.';
comment on column fact_shop_payments.paid_at is 'Instant of the payment.';
comment on column fact_shop_payments.method is 'How, in the shop''s own words; null where it does not tell.';
comment on column fact_shop_payments.reference is 'What the payment is called by the one who took it.';
comment on column fact_shop_payments.currency is 'Currency of the amount, three capitals.';
comment on column fact_shop_payments.amount is 'What came in.';
