-- A row is a seller. Filled by sql/star/dim_sellers.sql.
create table if not exists dim_sellers (
    seller_id text not null,
    seller_zip_code_prefix text,
    seller_city text,
    seller_state text,
    constraint dim_sellers_pkey primary key (seller_id)
);

comment on table dim_sellers is 'A seller.';
comment on column dim_sellers.seller_id is 'Key.';
comment on column dim_sellers.seller_zip_code_prefix is 'First five digits of the postcode, zeros kept.';
comment on column dim_sellers.seller_city is 'City in lower case without accents, `unknown` where nothing was said.';
comment on column dim_sellers.seller_state is 'Two-letter code of the Brazilian state.';
