-- What the filters of the overview offer: states in which customers live, categories of products. Key: kind, choice.
-- A row is a choice; a product without a category is in 'unknown', as in the mart top_products.
select 'state' as kind, customer_state as choice
from dim_customers
where customer_state is not null
group by customer_state
union all
select 'category' as kind, coalesce(product_category_name_english, 'unknown') as choice
from dim_products
group by coalesce(product_category_name_english, 'unknown')
order by kind, choice
