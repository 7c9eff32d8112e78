//! What differs between two sets of rows: row by row where a key tells which belong together, else as multisets.
//!
//! What always holds here: how much memory is used does not depend on the rows; what does not fit is spilled.

use std::{collections::BTreeSet, path::Path};

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, BooleanArray, RecordBatch},
        compute::{and, is_not_null, not, or},
        datatypes::{DataType, Int64Type},
        util::display::{ArrayFormatter, FormatOptions},
    },
    common::{Column, DataFusionError, JoinType, NullEquality, Result},
    functions_aggregate::expr_fn::{count, sum},
    logical_expr::{BinaryExpr, Expr, LogicalPlanBuilder, Operator, cast, col, lit, when},
    prelude::{DataFrame, SessionContext},
};
use futures::StreamExt;
use serde::Serialize;

use super::{
    CleanStream, QueryError, TableLoad,
    error::is_out_of_memory,
    session::{Join, MEMORY_BYTES, Sessions, register_streams, select},
};
use crate::lineage::ORIGIN;

/// Keys that are shown of each kind of difference.
const SAMPLES: usize = 5;
/// The most letters of a shown row.
const SAMPLE_LETTERS: usize = 160;

/// Rows to compare: a stream as it is, or a table's SQL over streams.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'r> {
    /// The storage folder to which files are relative.
    pub root: &'r Path,
    /// The clean streams.
    pub streams: &'r [CleanStream],
    /// What is made of them.
    pub table: &'r TableLoad,
}

/// What differs between two sets of rows. The column that says where a row came from does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The stream or table.
    pub name: String,
    /// The columns by which rows were found again; empty where they were compared as multisets, which know no changed rows.
    pub key: Vec<String>,
    /// Rows before.
    pub before: u64,
    /// Rows after.
    pub after: u64,
    /// Rows that are new.
    pub added: u64,
    /// Rows that are gone.
    pub removed: u64,
    /// Rows whose key was there before, with other values.
    pub changed: u64,
    /// In how many of the changed rows a column differs.
    pub columns: Vec<(String, u64)>,
    /// Columns that are new; they are not compared.
    pub new_columns: Vec<String>,
    /// Columns that are gone; they are not compared.
    pub lost_columns: Vec<String>,
    /// Keys (or rows, where there is no key) of each kind, the first ones as text.
    pub samples: Samples,
}

/// Some of the rows that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Samples {
    /// Of new ones.
    pub added: BTreeSet<String>,
    /// Of those that are gone.
    pub removed: BTreeSet<String>,
    /// Of changed ones.
    pub changed: BTreeSet<String>,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        (self.added, self.removed, self.changed) == (0, 0, 0) && self.new_columns.is_empty() && self.lost_columns.is_empty()
    }
}

/// What differs between two sets of rows. `key` is used where each side has it, and one row for each of its values.
pub async fn difference(before: Rows<'_>, after: Rows<'_>, key: &[String]) -> Result<Difference, QueryError> {
    let what = format!("`{}`", after.table.name);
    let sessions = Sessions::new(MEMORY_BYTES, after.root.join("work")).map_err(QueryError::sql(&what))?;
    let compare = async |join| Compared::open(&sessions, join, before, after).await?.difference(key).await.map_err(QueryError::sql(&what));
    match compare(Join::Hash).await {
        Err(error) if is_out_of_memory(&error) => compare(Join::SortMerge).await,
        compared => compared,
    }
}

/// Both sides with their common columns, called `b0`, `b1` ... before and `a0`, `a1` ... after.
struct Compared {
    session: SessionContext,
    before: DataFrame,
    after: DataFrame,
    common: Vec<String>,
    found: Difference,
}

impl Compared {
    async fn open(sessions: &Sessions, join: Join, before: Rows<'_>, after: Rows<'_>) -> Result<Self, QueryError> {
        let what = format!("`{}`", after.table.name);
        let failed = QueryError::sql(&what);
        let (old, new) = (frame(sessions, join, before).await?, frame(sessions, join, after).await?);
        let names = |frame: &DataFrame| -> Vec<String> {
            frame.schema().fields().iter().map(|field| field.name().clone()).filter(|name| name != ORIGIN).collect()
        };
        let (old_names, new_names) = (names(&old), names(&new));
        let only = |these: &[String], others: &[String]| these.iter().filter(|name| !others.contains(name)).cloned().collect();
        let found = Difference {
            name: after.table.name.clone(),
            new_columns: only(&new_names, &old_names),
            lost_columns: only(&old_names, &new_names),
            ..Difference::default()
        };
        let common: Vec<_> = old_names.into_iter().filter(|name| new_names.contains(name)).collect();
        let (mut olds, mut news) = (Vec::new(), Vec::new());
        for (index, name) in common.iter().enumerate() {
            let (old, new) = (column(&old, name), column(&new, name));
            let ((old, old_type), (new, new_type)) = (old, new);
            // A column whose type changed is compared as a person would read it.
            let same = old_type == new_type;
            let plain = |expression: Expr| if same { expression } else { cast(expression, DataType::Utf8) };
            olds.push(plain(old).alias(format!("b{index}")));
            news.push(plain(new).alias(format!("a{index}")));
        }
        olds.push(lit(true).alias("b_here"));
        news.push(lit(true).alias("a_here"));
        let (before, after) = (old.select(olds).map_err(&failed)?, new.select(news).map_err(&failed)?);
        Ok(Self { session: sessions.context(join), before, after, common, found })
    }

    async fn difference(self, key: &[String]) -> Result<Difference> {
        let places: Vec<_> = key.iter().filter_map(|name| self.common.iter().position(|known| known == name)).collect();
        let has_key = !key.is_empty() && places.len() == key.len();
        if has_key && is_unique(&self.before, "b", &places).await? && is_unique(&self.after, "a", &places).await? {
            self.by_key(&places).await
        } else {
            self.of_multisets().await
        }
    }

    async fn by_key(self, key: &[usize]) -> Result<Difference> {
        let Self { session, before, after, common, mut found } = self;
        found.key = key.iter().map(|place| common[*place].clone()).collect();
        let values: Vec<_> = (0..common.len()).filter(|place| !key.contains(place)).collect();
        let names = |side: &str| key.iter().map(|place| Column::from_name(format!("{side}{place}"))).collect::<Vec<_>>();
        let (state, before) = (session.state(), before.into_unoptimized_plan());
        let joined = LogicalPlanBuilder::from(before).join_detailed(
            after.into_unoptimized_plan(),
            JoinType::Full,
            (names("b"), names("a")),
            None,
            NullEquality::NullEqualsNull,
        )?;
        let mut columns = vec![col("b_here"), col("a_here")];
        for place in key {
            let known = when(col("b_here").is_null(), col(format!("a{place}"))).otherwise(col(format!("b{place}")))?;
            columns.push(known.alias(format!("k{place}")));
        }
        columns.extend(values.iter().map(|place| distinct(col(format!("b{place}")), col(format!("a{place}"))).alias(format!("d{place}"))));
        let rows = DataFrame::new(state, joined.project(columns)?.build()?);
        let mut counts = vec![0; values.len()];
        let mut batches = rows.execute_stream().await?;
        while let Some(batch) = batches.next().await {
            count_batch(&batch?, key.len(), &mut found, &mut counts)?;
        }
        let named = values.iter().zip(counts).filter(|(_, rows)| *rows > 0);
        found.columns = named.map(|(place, rows)| (common[*place].clone(), rows)).collect();
        found.columns.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(found)
    }

    async fn of_multisets(self) -> Result<Difference> {
        let Self { before, after, common, mut found, .. } = self;
        let side = |frame: DataFrame, side: &str, counts: (i64, i64)| {
            let columns = (0..common.len()).map(|place| col(format!("{side}{place}")).alias(format!("c{place}")));
            frame.select(columns.chain([lit(counts.0).alias("b"), lit(counts.1).alias("a")]).collect::<Vec<_>>())
        };
        let all = side(before, "b", (1, 0))?.union(side(after, "a", (0, 1))?)?;
        let group: Vec<_> = (0..common.len()).map(|place| col(format!("c{place}"))).collect();
        let rows = all.aggregate(group, vec![sum(col("b")).alias("b"), sum(col("a")).alias("a")])?;
        let mut batches = rows.execute_stream().await?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let number = |name: &str| batch.column_by_name(name).map(|column| column.as_primitive::<Int64Type>().clone());
            let (Some(before), Some(after)) = (number("b"), number("a")) else { continue };
            let text = RowText::of(&batch.columns()[..common.len()], Some(common.as_slice()))?;
            for row in 0..batch.num_rows() {
                let (before, after) = (before.value(row).unsigned_abs(), after.value(row).unsigned_abs());
                found.before += before;
                found.after += after;
                found.added += after.saturating_sub(before);
                found.removed += before.saturating_sub(after);
                if after > before {
                    keep(&mut found.samples.added, text.at(row));
                } else if before > after {
                    keep(&mut found.samples.removed, text.at(row));
                }
            }
        }
        Ok(found)
    }
}

/// The rows of one side.
async fn frame(sessions: &Sessions, join: Join, rows: Rows<'_>) -> Result<DataFrame, QueryError> {
    let what = format!("`{}`", rows.table.name);
    let session = sessions.context(join);
    register_streams(&session, rows.root, rows.streams)?;
    match (&rows.table.sql, &rows.table.stream) {
        (Some(sql), _) => select(&session, sql, &what).await,
        (None, stream) => session.table(stream.as_deref().unwrap_or_default()).await.map_err(QueryError::sql(&what)),
    }
}

/// A column with its qualifier, and its type.
fn column(frame: &DataFrame, name: &str) -> (Expr, DataType) {
    let found = frame.schema().iter().find(|(_, field)| field.name() == name);
    let (qualifier, field) = found.expect("the name was read from this schema");
    (Expr::Column(Column::new(qualifier.cloned(), field.name())), field.data_type().clone())
}

fn distinct(left: Expr, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::IsDistinctFrom, Box::new(right)))
}

/// Whether a side has one row for each value of a key.
async fn is_unique(frame: &DataFrame, side: &str, key: &[usize]) -> Result<bool> {
    let key = key.iter().map(|place| col(format!("{side}{place}"))).collect();
    let repeated = frame.clone().aggregate(key, vec![count(lit(1)).alias("rows_of_key")])?.filter(col("rows_of_key").gt(lit(1_i64)))?;
    Ok(repeated.limit(0, Some(1))?.count().await? == 0)
}

/// Counts joined rows: which sides they are on, the key, then for each other column whether it differs.
fn count_batch(batch: &RecordBatch, key: usize, found: &mut Difference, counts: &mut [u64]) -> Result<()> {
    let (before, after) = (is_not_null(batch.column(0))?, is_not_null(batch.column(1))?);
    let both = and(&before, &after)?;
    let mut changed = BooleanArray::from(vec![false; batch.num_rows()]);
    for (count, column) in counts.iter_mut().zip(&batch.columns()[2 + key..]) {
        let differs = and(&both, column.as_boolean())?;
        *count += differs.true_count() as u64;
        changed = or(&changed, &differs)?;
    }
    let (removed, added) = (and(&before, &not(&after)?)?, and(&after, &not(&before)?)?);
    found.before += before.true_count() as u64;
    found.after += after.true_count() as u64;
    found.added += added.true_count() as u64;
    found.removed += removed.true_count() as u64;
    found.changed += changed.true_count() as u64;
    let text = RowText::of(&batch.columns()[2..2 + key], None)?;
    let Samples { added: new, removed: gone, changed: other } = &mut found.samples;
    for (samples, rows) in [(new, added), (gone, removed), (other, changed)] {
        for row in rows.values().set_indices() {
            keep(samples, text.at(row));
        }
    }
    Ok(())
}

/// Keeps the first ones as text, whatever the order in which they come.
fn keep(samples: &mut BTreeSet<String>, text: String) {
    samples.insert(text);
    if samples.len() > SAMPLES {
        samples.pop_last();
    }
}

/// Rows as text.
struct RowText<'b> {
    columns: Vec<ArrayFormatter<'b>>,
    names: Option<&'b [String]>,
}

impl<'b> RowText<'b> {
    fn of(columns: &'b [ArrayRef], names: Option<&'b [String]>) -> Result<Self> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_null("null");
        let columns = columns.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &OPTIONS));
        let columns = columns.collect::<Result<_, _>>().map_err(DataFusionError::from)?;
        Ok(Self { columns, names })
    }

    fn at(&self, row: usize) -> String {
        let value = |(place, column): (usize, &ArrayFormatter<'_>)| match self.names {
            Some(names) => format!("{}={}", names[place], column.value(row)),
            None => column.value(row).to_string(),
        };
        let text = self.columns.iter().enumerate().map(value).collect::<Vec<_>>().join(", ");
        match text.char_indices().nth(SAMPLE_LETTERS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, sync::Arc};

    use datafusion::arrow::{
        array::{Int64Array, StringArray, UInt64Array},
        datatypes::{Field, Schema},
    };
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::config::Mode;

    fn write(root: &Path, name: &str, ids: &[Option<i64>], names: &[&str]) -> CleanStream {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("name", DataType::Utf8, false),
            Field::new(ORIGIN, DataType::UInt64, false),
        ]));
        let origins: Vec<_> = (0..ids.len() as u64).rev().collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(ids.to_vec())),
            Arc::new(StringArray::from(names.to_vec())),
            Arc::new(UInt64Array::from(origins)),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(root.join(name)).unwrap(), schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        CleanStream { name: "people".into(), files: vec![name.into()] }
    }

    fn table(sql: Option<&str>) -> TableLoad {
        let stream = sql.is_none().then(|| "people".to_owned());
        TableLoad { name: "people".into(), sql: sql.map(str::to_owned), stream, mode: Mode::Replace, key: Vec::new() }
    }

    struct Two {
        root: tempfile::TempDir,
        before: [CleanStream; 1],
        after: [CleanStream; 1],
    }

    fn two() -> Two {
        let root = tempfile::tempdir().unwrap();
        let before = write(root.path(), "b.parquet", &[Some(1), Some(2), Some(3), None], &["one", "two", "three", "nobody"]);
        let after = write(root.path(), "a.parquet", &[Some(2), Some(3), Some(4), None], &["two", "III", "four", "nobody"]);
        Two { root, before: [before], after: [after] }
    }

    impl Two {
        async fn differ(&self, before: &TableLoad, after: &TableLoad, key: &[&str]) -> Difference {
            let before = Rows { root: self.root.path(), streams: &self.before, table: before };
            let after = Rows { root: self.root.path(), streams: &self.after, table: after };
            let key: Vec<_> = key.iter().map(|&name| name.to_owned()).collect();
            difference(before, after, &key).await.unwrap()
        }
    }

    #[tokio::test]
    async fn rows_are_found_again_by_their_key() {
        let found = two().differ(&table(None), &table(None), &["id"]).await;
        assert_eq!((found.before, found.after), (4, 4));
        assert_eq!((found.added, found.removed, found.changed), (1, 1, 1));
        assert_eq!(found.columns, [("name".to_owned(), 1)]);
        let Samples { added, removed, changed } = found.samples;
        assert_eq!([added, removed, changed].map(|kind| kind.into_iter().collect::<String>()), ["4", "1", "3"]);
    }

    #[tokio::test]
    async fn without_a_key_rows_are_counted_as_they_are() {
        let found = two().differ(&table(None), &table(None), &[]).await;
        assert_eq!((found.before, found.after, found.added, found.removed, found.changed), (4, 4, 2, 2, 0));
        assert_eq!(found.samples.removed.first().unwrap(), "id=1, name=one");
    }

    #[tokio::test]
    async fn a_key_that_does_not_tell_rows_apart_is_not_used() {
        let twice = table(Some("select 1 as id, name from people"));
        let found = two().differ(&twice, &twice, &["id"]).await;
        assert_eq!((found.key.len(), found.added, found.removed), (0, 2, 2));
    }

    #[tokio::test]
    async fn columns_that_came_and_went_are_named_and_other_types_read_alike() {
        let before = table(Some("select id, name, 1 as gone from people"));
        let after = table(Some("select cast(id as int) as id, name, 2 as new from people"));
        let found = two().differ(&before, &after, &["id"]).await;
        assert_eq!((found.new_columns, found.lost_columns), (vec!["new".to_owned()], vec!["gone".to_owned()]));
        assert_eq!((found.added, found.removed, found.changed), (1, 1, 1));
    }

    #[tokio::test]
    async fn the_same_rows_in_another_order_do_not_differ() {
        let sorted = table(Some("select * from people order by name desc"));
        let mut two = two();
        two.after = two.before.clone();
        assert!(two.differ(&table(None), &sorted, &["id"]).await.is_none());
        assert!(two.differ(&table(None), &sorted, &[]).await.is_none());
    }
}
