-- A row is an hour in which something was ordered, of the continuous aggregate hourly_sales (TimescaleDB). Key: hour, a local time;
-- the one that comes twice when clocks are set back is one row.
-- PostgreSQL only. The aggregate knows the hour and the status, so neither state nor category can be asked for.
select
    to_char(hour at time zone 'America/Sao_Paulo', 'YYYY-MM-DD HH24:MI') as hour,
    cast(sum(orders) as bigint) as orders_placed,
    cast(coalesce(sum(orders) filter (where order_status not in ('canceled', 'unavailable')), 0) as bigint) as orders_sold,
    cast(coalesce(sum(price_cents) filter (where order_status not in ('canceled', 'unavailable')), 0) as bigint) as revenue_cents,
    cast(coalesce(sum(total_cents) filter (where order_status not in ('canceled', 'unavailable')), 0) as bigint) as total_cents
from hourly_sales
where hour >= cast($from as timestamp) at time zone 'America/Sao_Paulo'
    and hour < (cast($to as timestamp) + interval '1 day') at time zone 'America/Sao_Paulo'
group by 1
order by 1
