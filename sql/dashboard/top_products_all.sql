-- The first ten of the mart top_products, for the overview without filters: the rows of top_products.sql.
select
    rank,
    product_id,
    product_category_name_english as category,
    items,
    orders,
    sellers,
    revenue_cents,
    average_price_brl
from top_products
where rank <= 10
order by rank
