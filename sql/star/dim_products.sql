-- A row is a product. Key: product_id.
-- A product without a category stays 'unknown' in both languages; a category without a translation keeps its own name.
select
    p.product_id,
    p.product_category_name,
    coalesce(t.product_category_name_english, p.product_category_name) as product_category_name_english,
    p.product_name_length,
    p.product_description_length,
    p.product_photos_qty,
    p.product_weight_g,
    p.product_length_cm,
    p.product_height_cm,
    p.product_width_cm,
    cast(p.product_length_cm as bigint) * p.product_height_cm * p.product_width_cm as product_volume_cm3
from products p
left join category_translation t on t.product_category_name = p.product_category_name
