//! Relations: SELECTs that a reader's statements read like tables, their rows kept in memory where the tables are files.
//!
//! What always holds here:
//! - A statement gives the same rows whether a relation is kept or stands in its place, as it does in PostgreSQL. (`tests`,
//!   `tests/suite/web/business`)
//! - What is kept of one warehouse is at most [`KEPT_BYTES`]; where that is not enough nothing is kept.
//! - A relation that can't be made, as where a table lacks a column, keeps no other from being read.
//!
//! # Why
//! An overview of 100,000 orders with a filter took 0.7 to 1.2 s of CPU while its eight statements each read and joined files, most of it to
//! unpack, copy and hash the same ids of 32 digits. What they have in common is computed once per load, without what they don't ask for, and
//! ids as numbers.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, builder::StringViewBuilder},
        compute::cast,
        datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef},
    },
    common::Result,
    datasource::MemTable,
    prelude::{DataFrame, SessionContext},
};
use deltalake_core::kernel::Version;
use futures::TryStreamExt;
use tokio::sync::OnceCell;

use super::{
    QueryError,
    error::is_out_of_memory,
    lake::Head,
    session::{Join, Sessions, select},
};

/// What the relations of a warehouse may take in memory: about 550,000 orders of the example.
const KEPT_BYTES: usize = 128 << 20;

/// A SELECT that statements read by its name.
#[derive(Debug)]
pub struct Relation {
    /// Its name in statements.
    pub name: &'static str,
    /// The SELECT.
    pub sql: &'static str,
    /// The tables that it reads.
    pub tables: &'static [&'static str],
    /// Columns of text that statements only compare with those of the same name, count and group by. They are kept as numbers.
    pub ids: &'static [&'static str],
}

/// A statement with its relations in their places. Comments are left as they are.
pub fn in_place(sql: &str, relations: &[Relation]) -> String {
    let mut text = String::with_capacity(sql.len());
    for line in sql.lines() {
        let mut line = line.to_owned();
        if !line.trim_start().starts_with("--") {
            for relation in relations {
                line = line.replace(relation.name, &format!("(\n{}\n)", relation.sql.trim_end()));
            }
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The relations of a lake at one moment, computed when a statement first asks for one.
pub(super) struct Kept {
    relations: &'static [Relation],
    /// The tables that they read, as far as there are any.
    versions: BTreeMap<&'static str, Version>,
    session: OnceCell<SessionContext>,
}

impl Kept {
    /// What `relations` are at a head.
    pub fn at(head: &Head, relations: &'static [Relation]) -> Self {
        let tables = relations.iter().flat_map(|relation| relation.tables);
        let versions = tables.filter_map(|table| Some((*table, *head.tables.get(*table)?))).collect();
        Self { relations, versions, session: OnceCell::new() }
    }

    /// Whether both are made of the same rows.
    pub fn is_same(&self, other: &Self) -> bool {
        self.versions == other.versions && std::ptr::eq(self.relations, other.relations)
    }

    /// A session in which each relation that can be made has its name.
    pub async fn session(&self, sessions: &Sessions, tables: &SessionContext) -> Result<&SessionContext, QueryError> {
        self.session.get_or_try_init(|| self.make(sessions, tables, KEPT_BYTES)).await
    }

    async fn make(&self, sessions: &Sessions, tables: &SessionContext, most: usize) -> Result<SessionContext, QueryError> {
        let mut plans = Vec::new();
        for relation in self.relations.iter().filter(|relation| relation.tables.iter().all(|table| self.versions.contains_key(table))) {
            // What is wrong with another one is told to the statement that asks for it, with the relation in its place.
            if let Ok(rows) = select(tables, relation.sql, relation.name).await {
                plans.push((relation, rows));
            }
        }
        let kept = sessions.context(Join::InMemory);
        let mut keeper = Keeper::new(&plans, most);
        for (relation, rows) in &plans {
            let failed = QueryError::sql(relation.name);
            match keeper.keep(rows.clone()).await {
                Ok(Some(table)) => drop(kept.register_table(relation.name, Arc::new(table)).map_err(failed)?),
                Ok(None) => return views(sessions.context(Join::Hash), plans),
                Err(error) if is_out_of_memory(&error) => return views(sessions.context(Join::SortMerge), plans),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(kept)
    }
}

/// Relations that are computed whenever they are asked for.
fn views(session: SessionContext, plans: Vec<(&Relation, DataFrame)>) -> Result<SessionContext, QueryError> {
    for (relation, rows) in plans {
        session.register_table(relation.name, rows.into_view()).map_err(QueryError::sql(relation.name))?;
    }
    Ok(session)
}

/// Takes rows into memory, within the bound.
struct Keeper {
    /// The columns that become numbers: those that are text in every relation that has them, so that equal ids get equal numbers.
    ids: HashSet<&'static str>,
    numbers: HashMap<String, HashMap<Box<str>, i32>>,
    bytes: usize,
    most: usize,
}

impl Keeper {
    fn new(plans: &[(&'static Relation, DataFrame)], most: usize) -> Self {
        let mut ids: HashSet<_> = plans.iter().flat_map(|(relation, _)| relation.ids).copied().collect();
        let fields = plans.iter().flat_map(|(_, rows)| rows.schema().fields().iter());
        for field in fields.filter(|field| !is_text(field)) {
            ids.remove(field.name().as_str());
        }
        Self { ids, numbers: HashMap::new(), bytes: 0, most }
    }

    /// None where the rows are too many.
    async fn keep(&mut self, rows: DataFrame) -> Result<Option<MemTable>> {
        let schema = self.schema(rows.schema().as_arrow());
        let (mut stream, mut batches) = (rows.execute_stream().await?, Vec::new());
        while let Some(batch) = stream.try_next().await? {
            let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| self.column(column, field));
            let batch = RecordBatch::try_new(schema.clone(), columns.collect::<Result<_>>()?)?;
            self.bytes += batch.get_array_memory_size();
            if self.bytes > self.most {
                return Ok(None);
            }
            batches.push(batch);
        }
        Ok(Some(MemTable::try_new(schema, vec![batches])?))
    }

    fn schema(&self, schema: &Schema) -> SchemaRef {
        let kept = |field: &FieldRef| match field.data_type() {
            _ if self.ids.contains(field.name().as_str()) => Arc::new(Field::new(field.name(), DataType::Int32, true)),
            _ if is_text(field) => Arc::new(Field::new(field.name(), DataType::Utf8View, true)),
            other => Arc::new(Field::new(field.name(), other.clone(), true)),
        };
        Arc::new(Schema::new(schema.fields().iter().map(kept).collect::<Fields>()))
    }

    /// Ids as numbers, text without the page of a file that it was part of.
    fn column(&mut self, column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
        let text = |column: &ArrayRef| cast(column, &DataType::Utf8View);
        if self.ids.contains(field.name().as_str()) {
            let numbers = self.numbers.entry(field.name().clone()).or_default();
            let texts = text(column)?;
            let texts = texts.as_string_view().iter();
            return Ok(Arc::new(texts.map(|text| text.map(|text| number(numbers, text))).collect::<Int32Array>()));
        }
        if *field.data_type() == DataType::Utf8View {
            let mut compact = StringViewBuilder::with_capacity(column.len()).with_deduplicate_strings();
            compact.extend(text(column)?.as_string_view().iter());
            return Ok(Arc::new(compact.finish()));
        }
        Ok(column.clone())
    }
}

/// The number of an id; a new one where it was not seen yet.
fn number(numbers: &mut HashMap<Box<str>, i32>, id: &str) -> i32 {
    if let Some(number) = numbers.get(id) {
        return *number;
    }
    let next = i32::try_from(numbers.len()).expect("the bound in bytes ends it long before");
    numbers.insert(id.into(), next);
    next
}

fn is_text(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;

    use super::*;

    static RELATIONS: &[Relation] = &[
        Relation {
            name: "r_orders",
            sql: "-- r_orders\nselect id, person, state from orders",
            tables: &["orders"],
            ids: &["id", "person"],
        },
        Relation { name: "r_items", sql: "select id, part from items\n", tables: &["items"], ids: &["id"] },
        Relation { name: "r_none", sql: "select id from elsewhere", tables: &["elsewhere"], ids: &["id"] },
    ];

    const STATEMENT: &str = "-- of r_orders
        select o.state, count(*) as items, count(distinct o.person) as people, count(distinct i.part) as parts
        from r_orders o left join r_items i on i.id = o.id
        group by o.state order by o.state";

    async fn tables(item: &str) -> SessionContext {
        let session = SessionContext::new();
        for sql in [
            "create table orders as values ('1', 'x', 'SP'), ('2', 'x', 'a state with a long name'), ('3', null, null), ('7', 'y', 'SP')",
            &format!("create table items as values ({item}, 'p'), ({item}, 'q')"),
        ] {
            session.sql(sql).await.unwrap().collect().await.unwrap();
        }
        let named = |from: &str, names: &str| format!("create view {from}_named as select {names} from {from}");
        for sql in [named("orders", "column1 as id, column2 as person, column3 as state"), named("items", "column1 as id, column2 as part")]
        {
            session.sql(&sql).await.unwrap().collect().await.unwrap();
        }
        for name in ["orders", "items"] {
            let view = session.table_provider(format!("{name}_named")).await.unwrap();
            session.deregister_table(name).unwrap();
            session.register_table(name, view).unwrap();
        }
        session
    }

    async fn rows(session: &SessionContext, sql: &str) -> String {
        let rows = select(session, sql, "the test").await.unwrap().collect().await.unwrap();
        pretty_format_batches(&rows).unwrap().to_string()
    }

    fn kept() -> Kept {
        let versions = ["orders", "items"].into_iter().map(|table| (table, 1)).collect();
        Kept { relations: RELATIONS, versions, session: OnceCell::new() }
    }

    #[tokio::test]
    async fn a_statement_gives_the_same_rows_whether_its_relations_are_kept_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(64 << 20, folder.path().join("work")).unwrap();
        // Ids that are numbers in one table and text in another are compared as the statement says.
        for (item, id) in [("'1'", DataType::Int32), ("7", DataType::Utf8View)] {
            let tables = tables(item).await;
            let wanted = rows(&tables, &in_place(STATEMENT, RELATIONS)).await;
            assert!(wanted.contains("| SP "), "{wanted}");
            for (most, id) in [(KEPT_BYTES, id), (0, DataType::Utf8)] {
                let session = kept().make(&sessions, &tables, most).await.unwrap();
                assert_eq!(rows(&session, STATEMENT).await, wanted, "{item}, {most}");
                let orders = session.table_provider("r_orders").await.unwrap().schema();
                assert_eq!(*orders.field_with_name("id").unwrap().data_type(), id, "{item}, {most}");
                assert!(!session.table_exist("r_none").unwrap());
            }
        }
    }

    #[tokio::test]
    async fn a_relation_that_can_not_be_made_stops_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(64 << 20, folder.path().join("work")).unwrap();
        let tables = SessionContext::new();
        for sql in ["create table orders (id text, person text, state text)", "create table items (id text)"] {
            tables.sql(sql).await.unwrap().collect().await.unwrap();
        }
        let session = kept().make(&sessions, &tables, KEPT_BYTES).await.unwrap();
        assert!(rows(&session, "select count(*) from r_orders").await.contains("| 0 "));
        assert!(!session.table_exist("r_items").unwrap());
        let error = select(&tables, &in_place(STATEMENT, RELATIONS), "the test").await.unwrap_err();
        assert!(crate::error::chain(&error).contains("No field named part"), "{error:?}");
    }

    #[test]
    fn a_relation_stands_in_its_place_but_not_in_a_comment() {
        let text = in_place("-- of r_items\nselect * from r_items i", RELATIONS);
        assert_eq!(text, "-- of r_items\nselect * from (\nselect id, part from items\n) i\n");
    }
}
