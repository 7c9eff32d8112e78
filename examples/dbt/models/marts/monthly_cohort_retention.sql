-- A row is a cohort (the people who first bought in a month) in a later month: how many of them bought again then.
-- Month 0 is the first one, so its retention is 1. A month in which nobody of the cohort bought has no row.
with purchases as (
    select distinct
        customer_unique_id,
        order_month
    from {{ ref('stg_orders') }}
    where sold
),

cohorts as (
    select
        customer_unique_id,
        min(order_month) as cohort_month
    from purchases
    group by customer_unique_id
),

sizes as (
    select
        cohort_month,
        count(*) as cohort_customers
    from cohorts
    group by cohort_month
)

select
    c.cohort_month,
    cast(
        (extract(year from p.order_month) - extract(year from c.cohort_month)) * 12
        + extract(month from p.order_month) - extract(month from c.cohort_month) as integer
    ) as months_since,
    s.cohort_customers,
    count(*) as active_customers,
    cast(cast(count(*) as numeric(18, 4)) / s.cohort_customers as numeric(7, 4)) as retention
from purchases as p
inner join cohorts as c on c.customer_unique_id = p.customer_unique_id
inner join sizes as s on s.cohort_month = c.cohort_month
group by 1, 2, 3
