-- A row is an order, with sums over its items and payments. Filled by sql/star/fact_orders.sql.
-- No other fact refers to this table by a foreign key: on TimescaleDB its key needs the purchase time, which the others don't carry.
-- That items, payments and reviews have their order is what the pipeline's integrity checks hold.
create table if not exists fact_orders (
    order_id text not null,
    customer_id text,
    order_date_key integer,
    order_status text,
    order_purchase_date date,
    order_purchase_timestamp timestamptz not null,
    order_approved_at timestamptz,
    order_delivered_carrier_date timestamptz,
    order_delivered_customer_date timestamptz,
    order_estimated_delivery_date date,
    items integer,
    price_cents bigint,
    freight_cents bigint,
    total_cents bigint,
    freight_share double precision,
    payments integer,
    payment_cents bigint,
    days_to_approve double precision,
    days_to_ship double precision,
    days_to_deliver double precision,
    delivered_late boolean,
    reviews integer,
    review_score double precision,
    constraint fact_orders_pkey primary key (order_id),
    constraint fact_orders_customer foreign key (customer_id) references dim_customers (customer_id) deferrable initially deferred,
    constraint fact_orders_date foreign key (order_date_key) references dim_dates (date_key) deferrable initially deferred
);

-- The join from a person or a state to their orders.
create index if not exists fact_orders_customer on fact_orders (customer_id);
-- Sales of a span of days, and joins over dim_dates.
create index if not exists fact_orders_date on fact_orders (order_date_key);
-- The last day of all data, which customer_lifetime_value and customer_segments ask for; spans of local days.
create index if not exists fact_orders_purchase_date on fact_orders (order_purchase_date);
-- Spans of instants: the last hours, one day by the hour.
create index if not exists fact_orders_purchase_timestamp on fact_orders (order_purchase_timestamp);

comment on table fact_orders is 'An order. Money is in whole cents of Brazilian reais.';
comment on column fact_orders.order_id is 'Key.';
comment on column fact_orders.customer_id is 'Who ordered: dim_customers.';
comment on column fact_orders.order_date_key is 'Local day of the purchase: dim_dates.';
comment on column fact_orders.order_status is 'delivered, shipped, canceled, unavailable, invoiced, processing, created or approved.';
comment on column fact_orders.order_purchase_date is 'Local day of the purchase.';
comment on column fact_orders.order_purchase_timestamp is 'Instant of the purchase.';
comment on column fact_orders.order_approved_at is 'Instant at which the payment was approved, null where it was not.';
comment on column fact_orders.order_delivered_carrier_date is 'Instant at which the carrier took it, null where it did not.';
comment on column fact_orders.order_delivered_customer_date is 'Instant at which the customer got it, null where it did not arrive.';
comment on column fact_orders.order_estimated_delivery_date is 'Local day promised to the customer.';
comment on column fact_orders.items is 'Count of items; 0 where there are none, as with many cancelled orders.';
comment on column fact_orders.price_cents is 'Sum of the items'' prices.';
comment on column fact_orders.freight_cents is 'Sum of the items'' freight.';
comment on column fact_orders.total_cents is 'Price and freight.';
comment on column fact_orders.freight_share is 'Freight in the total, 0 to 1; null where the total is 0.';
comment on column fact_orders.payments is 'Count of payments.';
comment on column fact_orders.payment_cents is 'Sum of the payments.';
comment on column fact_orders.days_to_approve is 'Days from purchase to approval.';
comment on column fact_orders.days_to_ship is 'Days from approval to the carrier; below 0 where the carrier was earlier.';
comment on column fact_orders.days_to_deliver is 'Days from purchase to the customer.';
comment on column fact_orders.delivered_late is 'Whether it arrived after the promised day; null where it did not arrive.';
comment on column fact_orders.reviews is 'Count of reviews.';
comment on column fact_orders.review_score is 'Mean score of the reviews, 1 to 5; null where there are none.';
