-- A row is a seller. Key: seller_id.
select
    seller_id,
    seller_zip_code_prefix,
    seller_city,
    seller_state
from sellers
