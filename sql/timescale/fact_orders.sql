-- fact_orders as a hypertable: chunks of a month by purchase time, those older than 90 days in the columnstore.
-- Applied after sql/postgres/fact_orders.sql, and only where the extension is there. A second time changes nothing.
--
-- # Why
-- A columnstore ordered by time and without segments: of 100,000 sample orders 48 MB become 17 MB with any choice (63.8 to 64.7 %), since most
-- of what is left are two random ids of 32 digits, which nothing packs. Segments by order_status, 97 % of them delivered, gain nothing.
-- Over orders with short columns the same choice saves 88 %, and reads a year fastest: tests/bench/timescale. order_id is along so
-- that the batches that may hold a given key are found by it.
create extension if not exists timescaledb schema public;

-- Every unique index of a hypertable carries the time. An order keeps its purchase time, and the merge goes by order_id alone.
do $$
begin
    if not exists (
        select from timescaledb_information.hypertables
        where hypertable_schema = current_schema() and hypertable_name = 'fact_orders'
    ) then
        alter table fact_orders
            drop constraint fact_orders_pkey,
            add constraint fact_orders_pkey primary key (order_id, order_purchase_timestamp);
        perform create_hypertable(
            'fact_orders',
            by_range('order_purchase_timestamp', interval '1 month'),
            create_default_indexes => false,
            migrate_data => true
        );
        alter table fact_orders set (
            timescaledb.enable_columnstore = true,
            timescaledb.segmentby = '',
            timescaledb.orderby = 'order_purchase_timestamp, order_id'
        );
    end if;
end
$$;

-- 90 days, since an order changes until it is delivered and reviewed, and a row in the columnstore costs more to change.
call add_columnstore_policy('fact_orders', after => interval '90 days', if_not_exists => true);
