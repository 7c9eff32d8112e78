-- A row is a payment of an order; an order may be paid by card and several vouchers. Filled by sql/star/fact_payments.sql.
create table if not exists fact_payments (
    order_id text not null,
    payment_sequential integer not null,
    customer_id text,
    order_date_key integer,
    payment_type text,
    payment_installments integer,
    payment_value_cents bigint,
    constraint fact_payments_pkey primary key (order_id, payment_sequential),
    constraint fact_payments_customer foreign key (customer_id) references dim_customers (customer_id) deferrable initially deferred,
    constraint fact_payments_date foreign key (order_date_key) references dim_dates (date_key) deferrable initially deferred
);

create index if not exists fact_payments_customer on fact_payments (customer_id);
create index if not exists fact_payments_date on fact_payments (order_date_key);

comment on table fact_payments is 'A payment of an order.';
comment on column fact_payments.order_id is 'Key, with payment_sequential: the order, fact_orders.';
comment on column fact_payments.payment_sequential is 'Number of the payment in its order, from 1.';
comment on column fact_payments.customer_id is 'The order''s customer: dim_customers.';
comment on column fact_payments.order_date_key is 'Local day of the order''s purchase, not of the payment: dim_dates.';
comment on column fact_payments.payment_type is 'credit_card, boleto, voucher, debit_card or not_defined.';
comment on column fact_payments.payment_installments is 'Count of instalments.';
comment on column fact_payments.payment_value_cents is 'Amount in whole cents of Brazilian reais.';
