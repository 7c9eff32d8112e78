-- A row is a day, without gaps from the first purchase to the last purchase or promised delivery. Key: date_key (yyyymmdd).
-- Days are local days of the shop. The week is the ISO week, which may belong to the year before or after; the weekday runs from
-- 1 (Monday) to 7 (Sunday).
with span as (
    select
        min(order_purchase_date) as first_day,
        greatest(max(order_purchase_date), max(order_estimated_delivery_date)) as last_day
    from orders
),
days as (
    select cast(unnest(generate_series(first_day, last_day, interval '1 day')) as date) as day
    from span
),
parts as (
    select
        day,
        cast(date_part('year', day) as int) as year,
        cast(date_part('month', day) as int) as month,
        cast(date_part('day', day) as int) as day_of_month,
        -- 0 (Sunday) to 6 (Saturday)
        cast(date_part('dow', day) as int) as day_of_week
    from days
)
select
    cast(year * 10000 + month * 100 + day_of_month as int) as date_key,
    day as date,
    year,
    cast(date_part('quarter', day) as int) as quarter,
    month,
    to_char(day, '%B') as month_name,
    day_of_month as day,
    cast(case when day_of_week = 0 then 7 else day_of_week end as int) as weekday,
    to_char(day, '%A') as weekday_name,
    day_of_week in (0, 6) as is_weekend,
    cast(to_char(day, '%G') as int) as iso_year,
    cast(to_char(day, '%V') as int) as iso_week
from parts
