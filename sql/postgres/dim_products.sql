-- A row is a product. Filled by sql/star/dim_products.sql.
create table if not exists dim_products (
    product_id text not null,
    product_category_name text,
    product_category_name_english text,
    product_name_length integer,
    product_description_length integer,
    product_photos_qty integer,
    product_weight_g integer,
    product_length_cm integer,
    product_height_cm integer,
    product_width_cm integer,
    product_volume_cm3 bigint,
    constraint dim_products_pkey primary key (product_id)
);

-- Sales of one category.
create index if not exists dim_products_category on dim_products (product_category_name_english, product_id);

comment on table dim_products is 'A product.';
comment on column dim_products.product_id is 'Key.';
comment on column dim_products.product_category_name is 'Category in Portuguese, `unknown` where the product names none.';
comment on column dim_products.product_category_name_english is 'Category in English; one without a translation keeps its own name.';
comment on column dim_products.product_name_length is 'Characters of the name.';
comment on column dim_products.product_description_length is 'Characters of the description.';
comment on column dim_products.product_photos_qty is 'Photos shown.';
comment on column dim_products.product_weight_g is 'Weight in grams.';
comment on column dim_products.product_length_cm is 'Length in centimetres.';
comment on column dim_products.product_height_cm is 'Height in centimetres.';
comment on column dim_products.product_width_cm is 'Width in centimetres.';
comment on column dim_products.product_volume_cm3 is 'Length times height times width, in cubic centimetres.';
