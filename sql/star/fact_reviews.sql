-- A row is what one review says of one order. Key: review_id, order_id; neither is unique alone.
-- The day is the one on which the customer was asked.
select
    r.review_id,
    r.order_id,
    o.customer_id,
    cast(
        date_part('year', r.review_creation_date) * 10000
        + date_part('month', r.review_creation_date) * 100
        + date_part('day', r.review_creation_date) as int
    ) as review_date_key,
    r.review_score,
    r.review_comment_title,
    r.review_comment_message,
    r.review_comment_message is not null as has_message,
    r.review_creation_date,
    r.review_answer_timestamp
from order_reviews r
left join orders o on o.order_id = r.order_id
