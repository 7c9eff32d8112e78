-- A row is an item of an order: one piece of one product from one seller. Filled by sql/star/fact_order_items.sql.
create table if not exists fact_order_items (
    order_id text not null,
    order_item_id integer not null,
    product_id text,
    seller_id text,
    customer_id text,
    order_date_key integer,
    order_status text,
    shipping_limit_date timestamptz,
    price_cents bigint,
    freight_cents bigint,
    total_cents bigint,
    constraint fact_order_items_pkey primary key (order_id, order_item_id),
    constraint fact_order_items_product foreign key (product_id) references dim_products (product_id) deferrable initially deferred,
    constraint fact_order_items_seller foreign key (seller_id) references dim_sellers (seller_id) deferrable initially deferred,
    constraint fact_order_items_customer foreign key (customer_id) references dim_customers (customer_id) deferrable initially deferred,
    constraint fact_order_items_date foreign key (order_date_key) references dim_dates (date_key) deferrable initially deferred
);

-- Sales of a product, a seller, a customer, a span of days.
create index if not exists fact_order_items_product on fact_order_items (product_id);
create index if not exists fact_order_items_seller on fact_order_items (seller_id);
create index if not exists fact_order_items_customer on fact_order_items (customer_id);
create index if not exists fact_order_items_date on fact_order_items (order_date_key);

comment on table fact_order_items is 'An item of an order: one piece of one product from one seller. Money is in whole cents of Brazilian reais.';
comment on column fact_order_items.order_id is 'Key, with order_item_id: the order, fact_orders.';
comment on column fact_order_items.order_item_id is 'Number of the item in its order, from 1.';
comment on column fact_order_items.product_id is 'What was bought: dim_products.';
comment on column fact_order_items.seller_id is 'From whom: dim_sellers.';
comment on column fact_order_items.customer_id is 'The order''s customer: dim_customers.';
comment on column fact_order_items.order_date_key is 'Local day of the order''s purchase: dim_dates.';
comment on column fact_order_items.order_status is 'The order''s status.';
comment on column fact_order_items.shipping_limit_date is 'Instant until which the seller has to hand it to the carrier.';
comment on column fact_order_items.price_cents is 'Price.';
comment on column fact_order_items.freight_cents is 'Freight.';
comment on column fact_order_items.total_cents is 'Price and freight.';
