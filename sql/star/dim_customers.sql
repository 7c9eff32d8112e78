-- A row is a customer as one order names it; `customer_unique_id` is the person behind it.
-- The key is customer_id: it is what orders carry, so facts join on it alone. Olist gives a person a new customer_id with every order,
-- and the address may change from one to the next; whoever counts people counts distinct customer_unique_id.
select
    customer_id,
    customer_unique_id,
    customer_zip_code_prefix,
    customer_city,
    customer_state
from customers
