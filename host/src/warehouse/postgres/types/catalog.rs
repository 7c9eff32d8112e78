//! How PostgreSQL spells its types, which number it gives them and which of them hold which.

use super::{Digits, PgType};

impl PgType {
    /// The type as DDL writes it, and as `format_type` prints it except for `timestamp` and the like, which it prints longer.
    pub fn sql(&self) -> String {
        let name = match self {
            Self::Boolean => "boolean",
            Self::SmallInt => "smallint",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Real => "real",
            Self::Double => "double precision",
            Self::Numeric(None) => "numeric",
            Self::Numeric(Some(Digits { precision, scale })) => return format!("numeric({precision},{scale})"),
            Self::Text => "text",
            Self::Varchar(length) => return format!("varchar({length})"),
            Self::Bytea => "bytea",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Timestamptz => "timestamptz",
            Self::Interval => "interval",
            Self::Uuid => "uuid",
            Self::Jsonb => "jsonb",
            Self::Array(element) => return format!("{}[]", element.sql()),
        };
        name.to_owned()
    }

    /// The type that `format_type(atttypid, atttypmod)` prints as `printed`; none for a type that a load doesn't write.
    ///
    /// A time or an interval that keeps fewer digits than microseconds is none too: PostgreSQL would round what it is given.
    pub fn parse(printed: &str) -> Option<Self> {
        if let Some(element) = printed.strip_suffix("[]") {
            return Self::parse(element).map(|element| Self::Array(Box::new(element)));
        }
        plain(printed).or_else(|| with_arguments(printed))
    }

    /// Whether each value of this type is a value of `wider` too, and `ALTER TABLE ... TYPE` therefore loses nothing. True for itself.
    pub fn widens_to(&self, wider: &Self) -> bool {
        match (self, wider) {
            (Self::Array(from), Self::Array(to)) => from.widens_to(to),
            (Self::SmallInt, Self::Integer | Self::BigInt) | (Self::Integer, Self::BigInt) | (Self::Real, Self::Double) => true,
            (Self::SmallInt | Self::Integer | Self::BigInt | Self::Numeric(Some(_)), Self::Numeric(None)) => true,
            (Self::Varchar(from), Self::Varchar(to)) => from <= to,
            (Self::Varchar(_), Self::Text) => true,
            (from, Self::Numeric(Some(to))) if from != wider => from.digits().is_some_and(|from| from.fit(*to)),
            _ => self == wider,
        }
    }

    /// The number of the type in `pg_type`, the same in every database; none for an array, whose number no value carries.
    pub fn oid(&self) -> Option<u32> {
        Some(match self {
            Self::Boolean => 16,
            Self::Bytea => 17,
            Self::BigInt => 20,
            Self::SmallInt => 21,
            Self::Integer => 23,
            Self::Text => 25,
            Self::Real => 700,
            Self::Double => 701,
            Self::Varchar(_) => 1043,
            Self::Date => 1082,
            Self::Time => 1083,
            Self::Timestamp => 1114,
            Self::Timestamptz => 1184,
            Self::Interval => 1186,
            Self::Numeric(_) => 1700,
            Self::Uuid => 2950,
            Self::Jsonb => 3802,
            Self::Array(_) => return None,
        })
    }

    /// The digits that hold every value of an exact number.
    fn digits(&self) -> Option<Digits> {
        let integer = |precision| Some(Digits { precision, scale: 0 });
        match self {
            Self::SmallInt => integer(5),
            Self::Integer => integer(10),
            Self::BigInt => integer(19),
            Self::Numeric(digits) => *digits,
            _ => None,
        }
    }
}

impl Digits {
    /// The digits before the point; below zero where even the first ones behind it must be zeros.
    pub fn integral(self) -> i32 {
        i32::from(self.precision) - i32::from(self.scale)
    }

    fn fit(self, wider: Self) -> bool {
        self.integral() <= wider.integral() && self.scale <= wider.scale
    }
}

fn plain(name: &str) -> Option<PgType> {
    Some(match name {
        "boolean" => PgType::Boolean,
        "smallint" => PgType::SmallInt,
        "integer" => PgType::Integer,
        "bigint" => PgType::BigInt,
        "real" => PgType::Real,
        "double precision" => PgType::Double,
        "numeric" => PgType::Numeric(None),
        "text" | "character varying" => PgType::Text,
        "bytea" => PgType::Bytea,
        "date" => PgType::Date,
        "time without time zone" | "time(6) without time zone" => PgType::Time,
        "timestamp without time zone" | "timestamp(6) without time zone" => PgType::Timestamp,
        "timestamp with time zone" | "timestamp(6) with time zone" => PgType::Timestamptz,
        "interval" | "interval(6)" => PgType::Interval,
        "uuid" => PgType::Uuid,
        "jsonb" => PgType::Jsonb,
        _ => return None,
    })
}

fn with_arguments(printed: &str) -> Option<PgType> {
    let (name, arguments) = printed.strip_suffix(')')?.split_once('(')?;
    match name {
        "character varying" | "character" => arguments.parse().ok().map(PgType::Varchar),
        "numeric" => {
            let (precision, scale) = arguments.split_once(',')?;
            Some(PgType::numeric(precision.parse().ok()?, scale.parse().ok()?))
        }
        _ => None,
    }
}
