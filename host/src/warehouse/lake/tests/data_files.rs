//! What becomes of prepared files in a table's folder.

use std::collections::HashMap;

use datafusion::arrow::{
    array::{AsArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Int64Type, Schema},
};
use deltalake_core::kernel::Action;
use parquet::{
    arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
    file::{metadata::ParquetMetaDataReader, properties::WriterProperties},
};
use serde_json::{Value, json};

use super::*;
use crate::warehouse::lake::{
    delta_schema,
    splice::{FILE_BYTES, splice},
};

/// The data files of a table as its last commit names them: path and statistics.
async fn committed(lake: &Lake, table: &str) -> Vec<(String, Value)> {
    let store = lake.table(table, None).await.unwrap().log_store();
    let last = store.get_latest_version(0).await.unwrap();
    let text = store.read_commit_entry(last).await.unwrap().unwrap();
    let actions = std::str::from_utf8(&text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap());
    let added = actions.filter_map(|action| if let Action::Add(add) = action { Some(add) } else { None });
    added.map(|add| (add.path, serde_json::from_str(&add.stats.unwrap()).unwrap())).collect()
}

#[tokio::test]
async fn a_stream_is_copied_as_it_is_encoded() {
    let store = Store::new();
    let mut lake = store.lake().await;
    let clean = store.orders("a", &[("x", 1), ("y", 2)]);
    run(&mut lake, &load(1, vec![clean.clone()], vec![table("orders", Mode::Replace)])).await.unwrap();
    let chunks = |path: &Path| {
        let footer = ParquetMetaDataReader::new().parse_and_finish(&fs::File::open(path).unwrap()).unwrap();
        let chunks = footer.row_group(0).columns().iter().map(|chunk| (chunk.column_path().string(), chunk.compressed_size()));
        chunks.collect::<Vec<_>>()
    };
    let files = committed(&lake, "orders").await;
    let mut wanted = chunks(&store.root.join(&clean.files[0]));
    assert_eq!(wanted.pop().unwrap().0, ORIGIN);
    assert_eq!(chunks(&store.root.join("lake/orders").join(&files[0].0)), wanted);
}

#[tokio::test]
async fn a_commit_tells_rows_nulls_and_bounds() {
    let store = Store::new();
    let mut lake = store.lake().await;
    run(&mut lake, &load(1, vec![store.orders("a", &[("x", 7), ("y", -2)])], vec![table("orders", Mode::Append)])).await.unwrap();
    let wanted = json!({
        "numRecords": 2,
        "minValues": { "id": "x", "cents": -2 },
        "maxValues": { "id": "y", "cents": 7 },
        "nullCount": { "id": 0, "cents": 0 },
    });
    assert_eq!(committed(&lake, "orders").await[0].1, wanted);
    assert_eq!(rows(&lake, "select id from orders where cents > 5").await, ["x"]);
}

#[test]
fn a_full_file_is_followed_by_another() {
    let store = Store::new();
    let batch = RecordBatch::try_from_iter([("id", numbers(0..100)), (ORIGIN, numbers(0..100))]).unwrap();
    let source = store.root.join("source.parquet");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(40)).build();
    let mut writer = ArrowWriter::try_new(fs::File::create(&source).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let schema = delta_schema("t", &batch.schema()).unwrap();
    for (file_bytes, wanted) in [(1, vec![40, 40, 20]), (usize::MAX, vec![100])] {
        let folder = store.root.join(format!("folder-{file_bytes}"));
        fs::create_dir(&folder).unwrap();
        let files = splice(&source, &folder, &schema, file_bytes).unwrap();
        let ids: Vec<Vec<i64>> = files.iter().map(|file| ids(&folder.join(&file.path))).collect();
        assert_eq!(ids.iter().map(Vec::len).collect::<Vec<_>>(), wanted);
        assert_eq!(ids.concat(), (0..100).collect::<Vec<_>>());
        for file in files {
            assert_eq!(fs::metadata(folder.join(&file.path)).unwrap().len(), file.size as u64);
        }
    }
}

/// The values of the only column of a Parquet file.
fn ids(path: &Path) -> Vec<i64> {
    let batches = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
    let values = |batch: RecordBatch| {
        assert_eq!(batch.num_columns(), 1);
        batch.column(0).as_primitive::<Int64Type>().values().to_vec()
    };
    batches.flat_map(|batch| values(batch.unwrap())).collect()
}

#[test]
fn a_failed_copy_leaves_nothing() {
    let store = Store::new();
    let source = store.root.join(&store.land("a", "orders", vec![("id", numbers(0..10_000))]).files[0]);
    let schema = delta_schema("t", &Schema::new(vec![Field::new("id", DataType::Int64, true)])).unwrap();
    // The footer promises chunks that are not there.
    let bytes = fs::read(&source).unwrap();
    let (head, tail) = bytes.split_at(bytes.len() - 8);
    let footer = u32::from_le_bytes(tail[..4].try_into().unwrap()) as usize;
    fs::write(&source, [&head[head.len() - footer..], tail].concat()).unwrap();
    let folder = store.root.join("folder");
    fs::create_dir(&folder).unwrap();
    assert!(splice(&source, &folder, &schema, FILE_BYTES).is_err());
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test]
async fn a_table_with_properties_of_its_own_keeps_them() {
    let store = Store::new();
    let mut lake = store.lake().await;
    run(&mut lake, &load(1, vec![store.orders("a", &[("x", 1)])], vec![table("orders", Mode::Append)])).await.unwrap();
    let properties = HashMap::from([("delta.dataSkippingNumIndexedCols".to_owned(), "1".to_owned())]);
    let owned = lake.table("orders", None).await.unwrap();
    owned.set_tbl_properties().with_properties(properties).await.unwrap();
    run(&mut lake, &load(2, vec![store.orders("b", &[("y", 2)])], vec![table("orders", Mode::Append)])).await.unwrap();
    assert_eq!(committed(&lake, "orders").await[0].1["minValues"], json!({ "id": "y" }));
    assert_eq!(rows(&lake, "select * from orders order by id").await, ["x 1", "y 2"]);
}

#[tokio::test]
async fn a_kind_of_column_that_readers_may_not_know_is_announced() {
    for mode in [Mode::Append, Mode::Replace] {
        let store = Store::new();
        let mut lake = store.lake().await;
        run(&mut lake, &load(1, vec![store.orders("a", &[("x", 1)])], vec![table("orders", mode)])).await.unwrap();
        for sequence in [2, 3] {
            let local: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![60_000_000]));
            let stream = store.land(&sequence.to_string(), "orders", vec![("id", texts(["y"])), ("local", local)]);
            run(&mut lake, &load(sequence, vec![stream], vec![table("orders", mode)])).await.unwrap();
        }
        let orders = lake.table("orders", None).await.unwrap();
        let features = orders.snapshot().unwrap().protocol().reader_features().unwrap();
        assert!(features.iter().any(|feature| feature.as_ref() == "timestampNtz"), "{mode:?}");
        assert_eq!(rows(&lake, "select distinct local from orders where local is not null").await, ["1970-01-01T00:01:00"], "{mode:?}");
    }
}
