-- star_items: an item of an order as the dashboard's statements read it, with its product's category.
-- A product without a category, or that dim_products does not have, is in 'unknown', as in the mart top_products.
select
    i.order_id,
    i.product_id,
    i.seller_id,
    coalesce(p.product_category_name_english, 'unknown') as category,
    i.order_date_key,
    i.order_status not in ('canceled', 'unavailable') as sold,
    i.price_cents,
    i.freight_cents,
    i.total_cents
from fact_order_items i
left join dim_products p on p.product_id = i.product_id
