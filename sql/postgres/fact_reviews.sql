-- A row is what one review says of one order; neither id is unique alone. Filled by sql/star/fact_reviews.sql.
-- The day has no foreign key: dim_dates ends with the last purchase or promised delivery, and a customer may be asked after it.
create table if not exists fact_reviews (
    review_id text not null,
    order_id text not null,
    customer_id text,
    review_date_key integer,
    review_score integer,
    review_comment_title text,
    review_comment_message text,
    has_message boolean,
    review_creation_date date,
    review_answer_timestamp timestamptz,
    constraint fact_reviews_pkey primary key (review_id, order_id),
    constraint fact_reviews_customer foreign key (customer_id) references dim_customers (customer_id) deferrable initially deferred
);

-- The reviews of an order: the key starts with the review.
create index if not exists fact_reviews_order on fact_reviews (order_id);
create index if not exists fact_reviews_customer on fact_reviews (customer_id);
create index if not exists fact_reviews_date on fact_reviews (review_date_key);

comment on table fact_reviews is 'What one review says of one order.';
comment on column fact_reviews.review_id is 'Key, with order_id: the survey, which may speak of several orders.';
comment on column fact_reviews.order_id is 'The order, fact_orders, which may have several reviews.';
comment on column fact_reviews.customer_id is 'The order''s customer: dim_customers.';
comment on column fact_reviews.review_date_key is 'Local day on which the customer was asked, as in dim_dates, which may end before it.';
comment on column fact_reviews.review_score is 'Score, 1 (worst) to 5.';
comment on column fact_reviews.review_comment_title is 'Title, null where there is none.';
comment on column fact_reviews.review_comment_message is 'Message, null where there is none.';
comment on column fact_reviews.has_message is 'Whether there is a message.';
comment on column fact_reviews.review_creation_date is 'Local day on which the customer was asked.';
comment on column fact_reviews.review_answer_timestamp is 'Instant of the answer.';
