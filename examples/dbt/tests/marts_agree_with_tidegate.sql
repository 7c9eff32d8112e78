-- The sum over sellers is the sum over the months of tidegate's own mart: both leave out what was cancelled or unavailable.
-- Rows that this returns are faults.
with sellers as (
    select sum(revenue_brl) as revenue from {{ ref('seller_scorecard') }}
),

months as (
    select sum(revenue_brl) as revenue from {{ source('star', 'sales_by_month') }}
)

select
    sellers.revenue as by_sellers,
    months.revenue as by_months
from sellers
cross join months
where sellers.revenue is distinct from months.revenue
