-- A row is a customer as one order names it; facts join on customer_id alone. Filled by sql/star/dim_customers.sql.
create table if not exists dim_customers (
    customer_id text not null,
    customer_unique_id text,
    customer_zip_code_prefix text,
    customer_city text,
    customer_state text,
    constraint dim_customers_pkey primary key (customer_id)
);

-- The orders of one person, and the marts that group by person.
create index if not exists dim_customers_person on dim_customers (customer_unique_id);
-- A dashboard's filter by state; the id is along so that the join to facts needs no visit to the table.
create index if not exists dim_customers_state on dim_customers (customer_state, customer_id);

comment on table dim_customers is 'A customer as one order names it. Olist gives a person a new customer_id with every order.';
comment on column dim_customers.customer_id is 'Key; what orders carry.';
comment on column dim_customers.customer_unique_id is 'The person behind it. Whoever counts people counts distinct values of this.';
comment on column dim_customers.customer_zip_code_prefix is 'First five digits of the postcode, zeros kept.';
comment on column dim_customers.customer_city is 'City in lower case without accents, `unknown` where nothing was said.';
comment on column dim_customers.customer_state is 'Two-letter code of the Brazilian state.';
