//! Records on their way to batches.
//!
//! - A record that does not fit its columns becomes [`Unread`], with column and reason; the rows around it are not touched
//!   (`a_record_that_does_not_fit_is_unread_alone`).
//! - A page counts whole or not at all: where it turns out to be broken after some records, none of them was pushed
//!   (`a_broken_page_pushes_nothing`).

use std::sync::Arc;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_schema::SchemaRef;

use super::{
    cells::Cells,
    columns::{self, Column},
    find::Finder,
    page::Page,
};
use crate::{Dimension, Origin, Pulled, Result, Unread};

/// Collects records as rows, in the order of their origins, and gives them out as batches.
pub struct Rows {
    columns: Vec<Column>,
    cells: Vec<Cells>,
    /// Where columns find their values in a record, for records that are pushed one by one.
    finder: Finder,
    /// The slot of each column in `finder`; none for columns whose value is handed over.
    slots: Vec<Option<usize>>,
    /// The declared schema with the origin.
    schema: SchemaRef,
    origins: Vec<u64>,
    unread: Vec<Unread>,
    /// How many bytes of bodies were read since the last batch.
    bytes: u64,
}

/// A place in the rows to return to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    rows: usize,
    unread: usize,
}

impl Rows {
    /// Rows with these columns.
    pub fn new(columns: Vec<Column>) -> Result<Self> {
        columns::check(&columns)?;
        let (mut finder, root) = Finder::new();
        let slots = columns.iter().map(|column| column.pointer.as_deref().map(|pointer| finder.value(root, pointer)).transpose());
        let slots = slots.collect::<Result<_>>()?;
        let cells = columns.iter().map(|column| Cells::new(&column.kind)).collect::<Result<_>>()?;
        let schema = Origin::schema(&columns::schema(&columns));
        Ok(Self { columns, cells, finder, slots, schema, origins: Vec::new(), unread: Vec::new(), bytes: 0 })
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows wait.
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// About how much memory the rows take that wait.
    pub(super) fn memory(&self) -> usize {
        self.cells.iter().map(Cells::bytes).sum()
    }

    /// Whether neither rows nor unread records wait.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty() && self.unread.is_empty()
    }

    /// Adds one record, as JSON text. `given` has the JSON texts of the columns that are [`Column::given`], in their order. Records must
    /// come in ascending order of their origins.
    pub fn push(&mut self, origin: Origin, record: &str, given: &[Option<&str>]) {
        let mut is_object = false;
        match self.finder.walk(record, &mut |_, item| is_object = item.object) {
            Ok(found) if is_object => {
                let slots = std::mem::take(&mut self.slots);
                let given = given.iter().copied();
                if let Err(reason) = self.row(origin, slots.iter().map(|slot| slot.map(|slot| found[slot])), given) {
                    self.reject(origin, reason, record);
                }
                self.slots = slots;
            }
            Ok(_) => self.reject(origin, Reason::NoObject, record),
            Err(_) => self.reject(origin, Reason::NoJson, record),
        }
    }

    /// Adds the records at `records` of a page, numbered from 1. `given` has the JSON texts of the columns that are [`Column::given`], the
    /// same for all of them. Gives their number.
    pub fn push_page(&mut self, page: &Page, records: &str, given: &[Option<&str>]) -> Result<usize> {
        self.bytes += page.text().len() as u64;
        let records = page.records(records)?;
        for (number, record) in (1..).zip(&records) {
            self.push_from(page, number, record, given);
        }
        Ok(records.len())
    }

    pub(super) fn push_from(&mut self, page: &Page, number: u64, record: &str, given: &[Option<&str>]) {
        let origin = Origin::new(page.number(), number);
        if page.is_damaged() && record.contains('\u{fffd}') {
            self.reject(origin, Reason::NoUtf8, record)
        } else {
            self.push(origin, record, given)
        }
    }

    /// Adds a record that the source itself found to be no row.
    pub fn push_unread(&mut self, unread: Unread) {
        self.unread.push(unread);
    }

    /// Counts bytes that were read, for progress. [`Rows::push_page`] counts those of its page.
    pub fn read_bytes(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// The bytes that were read since they were last told.
    pub(super) fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    /// The first `most` rows as a batch, and all unread records; none where neither waits. `most` is [`crate::Request::batch_rows`].
    pub fn take(&mut self, most: usize) -> Result<Option<Pulled>> {
        if self.is_empty() {
            return Ok(None);
        }
        let batch = if self.origins.is_empty() { None } else { Some(self.batch(most.max(1))?) };
        let unread = std::mem::take(&mut self.unread);
        Ok(Some(Pulled { batch, unread, cursor: None, bytes: std::mem::take(&mut self.bytes) }))
    }

    fn batch(&mut self, most: usize) -> Result<RecordBatch> {
        let count = most.min(self.len());
        let mut columns = self.cells.iter_mut().map(|cells| cells.take(count)).collect::<Result<Vec<_>>>()?;
        columns.push(Arc::new(UInt64Array::from_iter_values(self.origins.drain(..count))));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { rows: self.len(), unread: self.unread.len() }
    }

    /// Forgets what came after `mark`.
    pub(super) fn rewind(&mut self, mark: Mark) {
        self.cells.iter_mut().for_each(|cells| cells.truncate(mark.rows));
        self.origins.truncate(mark.rows);
        self.unread.truncate(mark.unread);
    }

    /// Adds a row. `found` has a value, or its absence, for each column; none for those that are given.
    pub(super) fn row<'a>(
        &mut self,
        origin: Origin,
        found: impl Iterator<Item = Option<Option<&'a str>>>,
        mut given: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<(), Reason> {
        let rows = self.len();
        for (place, ((column, cells), found)) in self.columns.iter().zip(&mut self.cells).zip(found).enumerate() {
            let value = found.unwrap_or_else(|| given.next().flatten());
            let reason = match cells.push(value) {
                Err(_) => Reason::Misfit(place),
                Ok(false) if column.required => Reason::Missing(place),
                Ok(_) => continue,
            };
            self.cells.iter_mut().take(place + 1).for_each(|cells| cells.truncate(rows));
            return Err(reason);
        }
        self.origins.push(origin.to_u64());
        Ok(())
    }

    pub(super) fn reject(&mut self, origin: Origin, reason: Reason, record: &str) {
        let name = |place: usize| self.columns.get(place).map_or("", |column| column.name.as_str());
        let (rule, dimension, reason) = match reason {
            Reason::Misfit(place) => {
                let wish = self.columns.get(place).map(|column| column.kind.wish()).unwrap_or_default();
                ("type", Dimension::Validity, format!("`{}` is {wish}", name(place)))
            }
            Reason::Missing(place) => ("required", Dimension::Completeness, format!("`{}` is missing", name(place))),
            Reason::NoObject => ("malformed-record", Dimension::Validity, "it is not an object".to_owned()),
            Reason::NoJson => ("malformed-record", Dimension::Validity, "it is not JSON".to_owned()),
            Reason::NoUtf8 => ("utf8", Dimension::Conformity, "it is not UTF-8".to_owned()),
        };
        let raw = record[..record.floor_char_boundary(4096)].to_owned();
        self.unread.push(Unread { origin, rule: rule.to_owned(), dimension, reason, raw });
    }
}

/// Why a record is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The value of this column does not fit its type.
    Misfit(usize),
    /// The value of this column is missing.
    Missing(usize),
    NoObject,
    NoJson,
    NoUtf8,
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Array,
        cast::AsArray,
        types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type},
    };

    use super::*;
    use crate::{
        http::{
            self,
            testing::{self, Reply},
        },
        rest::Kind,
    };

    fn rows() -> Rows {
        Rows::new(vec![
            Column::new("id", Kind::Integer).required(),
            Column::new("total", Kind::Decimal(12, 2)),
            Column::new("customer", Kind::Text).at("/customer/name"),
            Column::new("paid_at", Kind::Timestamp),
            Column::new("day", Kind::Date),
            Column::new("tags", Kind::List(Box::new(Kind::Timestamp))),
            Column::given("shop", Kind::Text),
        ])
        .unwrap()
    }

    fn page(text: &[u8]) -> Page {
        let reply = Reply { status: 200, headers: Vec::new(), body: text.to_vec() };
        testing::answer(move |_| Ok(reply.clone()));
        Page::read(http::get("https://a.example/orders").send().unwrap()).unwrap()
    }

    const TEXT: &str = r#"{"orders": [
        {"id": 1, "total": "175.26", "customer": {"name": "A\u00e9", "vip": true}, "paid_at": "2026-11-27T00:12:39+00:00", "day": "1970-01-02", "tags": [0, null]},
        {"id": 2, "total": "many", "other": {"x": [1, 2]}},
        {"total": 1},
        5,
        {"id": 4, "customer": null}
    ]}"#;

    #[test]
    fn records_become_rows_with_exact_values() {
        let mut rows = rows();
        assert_eq!(rows.push_page(&page(TEXT.as_bytes()), "/orders", &[Some("\"north\"")]).unwrap(), 5);
        let batch = rows.take(10).unwrap().unwrap().batch.unwrap();
        assert_eq!(batch.schema(), rows.schema);
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 4]);
        assert_eq!(batch.column(1).as_primitive::<Decimal128Type>().value(0), 17526);
        assert_eq!(batch.column(2).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("Aé"), None]);
        assert_eq!(batch.column(3).as_primitive::<TimestampMicrosecondType>().value(0), 1_795_738_359_000_000);
        assert_eq!(batch.column(4).as_primitive::<Date32Type>().value(0), 1);
        assert_eq!(batch.column(5).as_list::<i32>().value(0).len(), 2);
        assert_eq!(batch.column(6).as_string::<i32>().value(1), "north");
        assert_eq!(batch.column(7).as_primitive::<UInt64Type>().values(), &[1, 5]);
        assert!(rows.take(10).unwrap().is_none());
    }

    #[test]
    fn odd_spellings_are_decoded_to_what_they_mean() {
        let columns = [("i", Kind::Integer), ("d", Kind::Decimal(6, 2)), ("n", Kind::Number), ("t", Kind::Text)].map(Column::from);
        let mut rows = Rows::new(columns.to_vec()).unwrap();
        let records = [
            r#"{"i": "007", "d": "007.50", "n": "01.5", "t": "\ud83d\ude00\/\u0000"}"#,
            r#"{"i": -0, "d": -0.00, "n": 1E2, "t": true}"#,
            r#"{"i": 1.20e1, "d": 5e-1, "n": 12345678901234567890123456789012345678901234567890, "t": 1.10}"#,
        ];
        for (number, record) in (1..).zip(records) {
            rows.push(Origin::new(0, number), record, &[]);
        }
        let pulled = rows.take(10).unwrap().unwrap();
        assert_eq!(pulled.unread, []);
        let batch = pulled.batch.unwrap();
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[7, 0, 12]);
        assert_eq!(batch.column(1).as_primitive::<Decimal128Type>().values(), &[750, 0, 50]);
        assert_eq!(batch.column(2).as_primitive::<Float64Type>().values(), &[1.5, 100.0, 1.234_567_890_123_456_7e49]);
        assert_eq!(batch.column(3).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("😀/\0"), Some("true"), Some("1.10")]);
    }

    #[test]
    fn a_record_that_does_not_fit_is_unread_alone() {
        let mut rows = rows();
        rows.push_page(&page(TEXT.as_bytes()), "/orders", &[]).unwrap();
        let unread = rows.take(10).unwrap().unwrap().unread;
        let told: Vec<_> = unread.iter().map(|record| (record.origin.record(), record.rule.as_str(), record.reason.as_str())).collect();
        let expected = [
            (2, "type", "`total` is not a number that fits decimal(12,2) exactly"),
            (3, "required", "`id` is missing"),
            (4, "malformed-record", "it is not an object"),
        ];
        assert_eq!(told, expected);
        assert_eq!(unread[1].raw, r#"{"total": 1}"#);
    }

    #[test]
    fn a_record_that_is_not_utf8_is_unread_alone() {
        let mut rows = rows();
        rows.push_page(&page(b"[{\"id\": 1}, {\"id\": 2, \"customer\": {\"name\": \"caf\xe9\"}}]"), "", &[]).unwrap();
        let pulled = rows.take(10).unwrap().unwrap();
        assert_eq!((pulled.batch.unwrap().num_rows(), pulled.unread[0].rule.as_str()), (1, "utf8"));
    }

    #[test]
    fn batches_have_as_many_rows_as_were_asked_for() {
        let mut rows = rows();
        for number in 1..=5 {
            rows.push(Origin::new(0, number), &format!("{{\"id\": {number}}}"), &[]);
        }
        let mut counts = Vec::new();
        while let Some(pulled) = rows.take(2).unwrap() {
            let batch = pulled.batch.unwrap();
            counts.push((batch.num_rows(), batch.column(0).as_primitive::<Int64Type>().value(0)));
        }
        assert_eq!(counts, [(2, 1), (2, 3), (1, 5)]);
    }

    #[test]
    fn a_broken_page_pushes_nothing() {
        let mut rows = rows();
        assert!(rows.push_page(&page(b"{\"orders\": [{\"id\": 1}, {\"id\""), "/orders", &[]).is_err());
        assert!(rows.is_empty());
    }
}
