//! The rules, their docs, and what PostgreSQL's catalog makes of them.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType::*, Field, Fields, IntervalUnit, TimeUnit};

use super::{DECLARED_TYPE, EXTENSION_NAME, PgType, RULES};

fn field(data_type: arrow::datatypes::DataType) -> Field {
    Field::new("c", data_type, true)
}

fn with(key: &str, value: &str, data_type: arrow::datatypes::DataType) -> Field {
    field(data_type).with_metadata(HashMap::from([(key.to_owned(), value.to_owned())]))
}

fn list_of(data_type: arrow::datatypes::DataType) -> arrow::datatypes::DataType {
    List(Arc::new(field(data_type)))
}

fn map_of(key: arrow::datatypes::DataType) -> arrow::datatypes::DataType {
    let entries = Fields::from(vec![Field::new("keys", key, false), Field::new("values", Int32, true)]);
    Map(Arc::new(Field::new("entries", Struct(entries), false)), false)
}

fn pair() -> arrow::datatypes::DataType {
    Struct(Fields::from(vec![field(Int32), field(list_of(Utf8))]))
}

fn parse_all(types: &[&str]) -> Vec<PgType> {
    types.iter().map(|name| PgType::parse(name).unwrap_or_else(|| panic!("{name}"))).collect()
}

/// For each rule, in order: fields and the DDL type that they get.
fn examples() -> Vec<Vec<(Field, &'static str)>> {
    let dictionary = |values| Dictionary(Box::new(Int8), Box::new(values));
    vec![
        vec![
            (with(EXTENSION_NAME, "arrow.uuid", FixedSizeBinary(16)), "uuid"),
            (with(DECLARED_TYPE, "uuid", FixedSizeBinary(16)), "uuid"),
            (with(DECLARED_TYPE, "uuid", Utf8View), "uuid"),
        ],
        vec![(with(EXTENSION_NAME, "arrow.json", LargeUtf8), "jsonb"), (with(DECLARED_TYPE, "jsonb", Utf8), "jsonb")],
        vec![(field(Boolean), "boolean")],
        vec![(field(Int8), "smallint"), (field(Int16), "smallint"), (field(UInt8), "smallint")],
        vec![(field(Int32), "integer"), (field(UInt16), "integer")],
        vec![(field(Int64), "bigint"), (field(UInt32), "bigint")],
        vec![(field(UInt64), "numeric(20,0)")],
        vec![(field(Float16), "real"), (field(Float32), "real")],
        vec![(field(Float64), "double precision")],
        vec![
            (field(Decimal32(9, 2)), "numeric(9,2)"),
            (field(Decimal64(18, 0)), "numeric(18,0)"),
            (field(Decimal128(38, 10)), "numeric(38,10)"),
            (field(Decimal256(76, -4)), "numeric(80,0)"),
        ],
        vec![(field(Utf8), "text"), (field(LargeUtf8), "text"), (with(DECLARED_TYPE, "money", Utf8View), "text")],
        vec![(field(Binary), "bytea"), (field(LargeBinary), "bytea"), (field(BinaryView), "bytea"), (field(FixedSizeBinary(16)), "bytea")],
        vec![(field(Date32), "date"), (field(Date64), "date")],
        vec![(field(Time32(TimeUnit::Second)), "time"), (field(Time64(TimeUnit::Nanosecond)), "time")],
        vec![(field(Timestamp(TimeUnit::Nanosecond, None)), "timestamp")],
        vec![(field(Timestamp(TimeUnit::Second, Some("+01:00".into()))), "timestamptz")],
        vec![(field(Duration(TimeUnit::Second)), "interval"), (field(Interval(IntervalUnit::MonthDayNano)), "interval")],
        vec![
            (field(dictionary(Utf8)), "text"),
            (with(DECLARED_TYPE, "uuid", dictionary(Utf8)), "uuid"),
            (field(dictionary(Decimal128(9, 2))), "numeric(9,2)"),
        ],
        vec![
            (field(list_of(Utf8)), "text[]"),
            (field(FixedSizeList(Arc::new(field(Float32)), 3)), "real[]"),
            (field(LargeListView(Arc::new(with(DECLARED_TYPE, "jsonb", Utf8)))), "jsonb[]"),
        ],
        vec![
            (field(pair()), "jsonb"),
            (field(list_of(pair())), "jsonb"),
            (field(list_of(list_of(Int8))), "jsonb"),
            (field(map_of(Utf8)), "jsonb"),
        ],
        vec![(field(Null), "text")],
    ]
}

#[test]
fn every_rule_gives_the_type_that_it_shows() {
    let examples = examples();
    assert_eq!(examples.len(), RULES.len());
    for (index, (rule, examples)) in RULES.iter().zip(examples).enumerate() {
        for (field, sql) in examples {
            let first = RULES.iter().position(|rule| (rule.gives)(&field).is_some());
            assert_eq!(first, Some(index), "{field:?} belongs to `{}`", rule.arrow);
            let given = PgType::of(&field).unwrap().sql();
            assert_eq!(given, sql, "{field:?}");
            let shown = rule.postgres.starts_with(&format!("`{given}`"));
            let by_its_values = ["numeric(p,s)", "as its values", "array of it"].iter().any(|general| rule.postgres.contains(general));
            assert!(shown || by_its_values, "the docs show {} for {sql}", rule.postgres);
        }
    }
}

#[test]
fn a_type_without_a_rule_gets_none() {
    let union = Union(arrow::datatypes::UnionFields::empty(), arrow::datatypes::UnionMode::Sparse);
    let runs = RunEndEncoded(Arc::new(Field::new("run_ends", Int32, false)), Arc::new(field(Utf8)));
    for data_type in [union.clone(), list_of(union), runs, map_of(Int32)] {
        assert_eq!(PgType::of(&field(data_type.clone())), None, "{data_type}");
    }
}

#[test]
fn docs_show_the_rules() {
    let docs = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/postgres.md"));
    assert!(docs.contains(&PgType::docs()), "the table of types in docs/postgres.md is out of date; it should be\n{}", PgType::docs());
}

#[test]
fn types_come_back_from_their_sql() {
    let printed_alike =
        ["boolean", "smallint", "numeric", "numeric(12,4)", "numeric(3,-2)", "text[]", "double precision[]", "uuid", "jsonb"];
    for name in printed_alike {
        assert_eq!(PgType::parse(name).unwrap().sql(), name);
    }
    for (printed, sql) in [
        ("timestamp without time zone", "timestamp"),
        ("timestamp(6) with time zone", "timestamptz"),
        ("time without time zone", "time"),
        ("character varying", "text"),
        ("character varying(12)[]", "varchar(12)[]"),
        ("character(2)", "varchar(2)"),
    ] {
        assert_eq!(PgType::parse(printed).unwrap().sql(), sql);
    }
}

#[test]
fn types_that_would_round_or_that_nothing_writes_are_none() {
    for name in [
        "timestamp(3) without time zone",
        "interval(0)",
        "interval year to month",
        "money",
        "time with time zone",
        "json",
        "numeric(x,1)",
        "",
    ] {
        assert_eq!(PgType::parse(name), None, "{name}");
    }
}

#[test]
fn a_type_widens_where_every_value_stays() {
    let chains: &[&[&str]] = &[
        &["smallint", "integer", "bigint", "numeric(19,0)", "numeric(21,2)", "numeric"],
        &["real", "double precision"],
        &["numeric(10,2)", "numeric(12,4)", "numeric(30,4)", "numeric"],
        &["character varying(3)", "character varying(4)", "text"],
        &["integer[]", "bigint[]", "numeric[]"],
    ];
    for chain in chains {
        let chain = parse_all(chain);
        for (index, narrow) in chain.iter().enumerate() {
            assert!(chain[index..].iter().all(|wide| narrow.widens_to(wide)), "{narrow:?}");
            assert!(!chain[..index].iter().any(|narrower| narrow.widens_to(narrower)), "{narrow:?}");
        }
    }
    let unrelated = [
        ("integer", "numeric(9,0)"),
        ("bigint", "double precision"),
        ("numeric(10,2)", "numeric(12,5)"),
        ("date", "timestamp without time zone"),
        ("timestamp without time zone", "timestamp with time zone"),
        ("integer", "text"),
        ("integer", "bigint[]"),
    ];
    for (narrow, wide) in unrelated {
        assert!(!PgType::parse(narrow).unwrap().widens_to(&PgType::parse(wide).unwrap()), "{narrow} {wide}");
    }
}
