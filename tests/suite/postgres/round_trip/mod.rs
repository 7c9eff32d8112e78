//! Every type into a real PostgreSQL, by `COPY` and by `INSERT`, and back as text.

mod cases;
mod refused;

use std::{error::Error, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::{Field, Schema},
};
use bytes::{Bytes, BytesMut};
use futures::SinkExt;
use tidegate::warehouse::postgres::{
    encode::{Encoder, HEADER, TRAILER, cells, rows},
    types::PgType,
};
use tidegate_tests::postgres::shared;
use tokio_postgres::{
    Client, NoTls,
    types::{IsNull, ToSql, Type},
};

use self::cases::Case;

#[tokio::test]
async fn every_type_arrives() {
    let client = client().await;
    for Case { array, column, shown } in cases::all() {
        let sql = column.sql();
        let encoded = encode(&array, &column);
        client.batch_execute(&format!("create table t (c {sql})")).await.unwrap();
        copy(&client, &encoded).await.unwrap_or_else(|error| panic!("{sql} from {}: {error:?}", array.data_type()));
        assert_eq!(texts(&client).await, shown, "{sql} from {} by copy", array.data_type());

        client.batch_execute("truncate t").await.unwrap();
        insert(&client, &encoded).await;
        assert_eq!(texts(&client).await, shown, "{sql} from {} by insert", array.data_type());
        assert_eq!(catalog_type(&client).await, Some(column), "{sql}");
        client.batch_execute("drop table t").await.unwrap();
    }
}

#[tokio::test]
async fn what_is_unfit_here_is_refused_there() {
    let client = client().await;
    for (sql, text) in refused::texts() {
        let fit = refused::fits(&text, sql);
        let taken = client.execute(&format!("select $1::text::{sql}"), &[&text]).await.is_ok();
        assert_eq!(fit, taken, "{} as {sql}", &text[..text.len().min(60)]);
    }
    for (sql, cell, fit) in refused::cells() {
        let taken = client.execute(&format!("select $1::{sql}"), &[&Raw(Some(&cell))]).await;
        assert_eq!(fit, taken.is_ok(), "{cell:?} as {sql}");
    }
}

/// A session in an empty database of the server that tests share.
async fn client() -> Client {
    let database = shared().unwrap().database(None).unwrap();
    let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("set timezone to 'UTC'").await.unwrap();
    client
}

fn encode(array: &ArrayRef, column: &PgType) -> Vec<u8> {
    let schema = Arc::new(Schema::new(vec![Field::new("c", array.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![array.clone()]).unwrap();
    let (mut encoded, mut unfit) = (Vec::new(), Vec::new());
    let encoder = Encoder::new(&schema, std::slice::from_ref(column)).unwrap();
    encoder.encode(&batch, &mut encoded, &mut unfit).unwrap();
    assert_eq!(unfit, [], "{}", column.sql());
    encoded
}

async fn copy(client: &Client, encoded: &[u8]) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in("copy t from stdin (format binary)").await?;
    let mut sink = std::pin::pin!(sink);
    sink.send(Bytes::from([&HEADER, encoded, &TRAILER].concat())).await?;
    sink.finish().await
}

async fn insert(client: &Client, encoded: &[u8]) {
    for row in rows(encoded) {
        let cell = cells(row).next().unwrap();
        client.execute("insert into t values ($1)", &[&Raw(cell)]).await.unwrap();
    }
}

async fn texts(client: &Client) -> Vec<Option<String>> {
    let rows = client.query("select c::text from t order by ctid", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn catalog_type(client: &Client) -> Option<PgType> {
    let query = "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't'::regclass and attnum = 1";
    let row = client.query_one(query, &[]).await.unwrap();
    PgType::parse(row.get(0))
}

/// A cell as it is, whatever the type of the parameter.
#[derive(Debug)]
struct Raw<'a>(Option<&'a [u8]>);

impl ToSql for Raw<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.unwrap_or_default());
        Ok(if self.0.is_some() { IsNull::No } else { IsNull::Yes })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
