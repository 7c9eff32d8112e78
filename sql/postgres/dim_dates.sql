-- A row is a day, without gaps from the first purchase to the last purchase or promised delivery. Filled by sql/star/dim_dates.sql.
create table if not exists dim_dates (
    date_key integer not null,
    date date,
    year integer,
    quarter integer,
    month integer,
    month_name text,
    day integer,
    weekday integer,
    weekday_name text,
    is_weekend boolean,
    iso_year integer,
    iso_week integer,
    constraint dim_dates_pkey primary key (date_key)
);

comment on table dim_dates is 'A local day of the shop.';
comment on column dim_dates.date_key is 'Key: yyyymmdd as a number.';
comment on column dim_dates.date is 'The day.';
comment on column dim_dates.year is 'Calendar year.';
comment on column dim_dates.quarter is 'Quarter, 1 to 4.';
comment on column dim_dates.month is 'Month, 1 to 12.';
comment on column dim_dates.month_name is 'English name of the month.';
comment on column dim_dates.day is 'Day of the month.';
comment on column dim_dates.weekday is 'Day of the week, 1 (Monday) to 7 (Sunday).';
comment on column dim_dates.weekday_name is 'English name of the day of the week.';
comment on column dim_dates.is_weekend is 'Whether the day is a Saturday or a Sunday.';
comment on column dim_dates.iso_year is 'Year of the ISO week, which may differ from `year` around New Year.';
comment on column dim_dates.iso_week is 'ISO week, 1 to 53.';
