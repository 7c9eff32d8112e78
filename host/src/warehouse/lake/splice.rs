//! Data files out of Parquet files that hold the same rows: column chunks are copied as they are encoded, and no row is decoded.
//!
//! What always holds here (each with its test in `tests/data_files.rs`):
//! - The rows and their order are the source's; of its columns only the table's are copied.
//! - A file that an [`Add`] names is whole and on disk. One that could not be finished goes.
//!
//! Memory depends neither on rows nor on row groups: chunks go through a small buffer.

use std::{
    fs::File,
    io,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use datafusion::arrow::datatypes::Schema;
use deltalake_core::kernel::Add;
use parquet::{
    column::writer::ColumnCloseResult,
    errors::{ParquetError, Result},
    file::{
        metadata::{ParquetMetaDataReader, RowGroupMetaData},
        writer::SerializedFileWriter,
    },
    schema::types::{Type, TypePtr},
};
use tempfile::NamedTempFile;

use super::bounds;

/// A file gets no further row group from here on: large enough to scan fast, small enough that readers share a table's files out.
pub(super) const FILE_BYTES: usize = 128 << 20;

/// Copies the columns of `schema` out of the Parquet file `source` into new files in `folder`, of at least `file_bytes` each but the last.
/// A source without rows makes no file.
pub(super) fn splice(source: &Path, folder: &Path, schema: &Schema, file_bytes: usize) -> Result<Vec<Add>> {
    let source = File::open(source)?;
    let footer = ParquetMetaDataReader::new().parse_and_finish(&source)?;
    let columns = wanted(footer.file_metadata().schema_descr().root_schema(), schema)?;
    let mut files = Vec::new();
    let mut open: Option<DataFile> = None;
    for group in footer.row_groups().iter().filter(|group| group.num_rows() > 0) {
        let mut file = match open.take() {
            Some(file) => file,
            None => DataFile::create(folder, columns.clone())?,
        };
        file.copy(&source, group, schema)?;
        match file.writer.bytes_written() >= file_bytes {
            true => files.push(file.finish(schema)?),
            false => open = Some(file),
        }
    }
    files.extend(open.map(|file| file.finish(schema)).transpose()?);
    Ok(files)
}

/// The columns of `found` that are in `schema`, in the order of `found`: Delta finds columns by their names.
fn wanted(found: &Type, schema: &Schema) -> Result<TypePtr> {
    let columns = found.get_fields().iter().filter(|column| schema.index_of(column.name()).is_ok()).cloned();
    Ok(Arc::new(Type::group_type_builder(found.name()).with_fields(columns.collect()).build()?))
}

/// A data file that is being written. It goes when it is dropped.
struct DataFile {
    place: NamedTempFile,
    writer: SerializedFileWriter<File>,
}

impl DataFile {
    fn create(folder: &Path, columns: TypePtr) -> Result<Self> {
        // Not `tempfile_in`: its files can be read by their owner only, and other readers may be other users.
        let named =
            tempfile::Builder::new().prefix("part-").suffix(".parquet").rand_bytes(20).make_in(folder, |path| File::create_new(path));
        let place = named?;
        let writer = SerializedFileWriter::new(place.as_file().try_clone()?, columns, Arc::default())?;
        Ok(Self { place, writer })
    }

    fn copy(&mut self, source: &File, group: &RowGroupMetaData, schema: &Schema) -> Result<()> {
        let mut copy = self.writer.next_row_group()?;
        for chunk in group.columns().iter().filter(|chunk| schema.index_of(&chunk.column_path().parts()[0]).is_ok()) {
            let whole = ColumnCloseResult {
                bytes_written: size(chunk.compressed_size()),
                rows_written: size(group.num_rows()),
                metadata: chunk.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            copy.append_column(source, whole)?;
        }
        copy.close()?;
        Ok(())
    }

    fn finish(mut self, schema: &Schema) -> Result<Add> {
        let footer = self.writer.finish()?;
        let stats = bounds::statistics(&footer, schema)?;
        self.place.as_file().sync_all()?;
        let bytes = self.place.as_file().metadata()?.len();
        let (_, path) = self.place.keep().map_err(io::Error::from)?;
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        Ok(Add {
            path: name.ok_or_else(|| ParquetError::General("a data file got a name that is not UTF-8".to_owned()))?,
            size: i64::try_from(bytes).unwrap_or(i64::MAX),
            modification_time: now(),
            data_change: true,
            stats: Some(stats.to_string()),
            ..Add::default()
        })
    }
}

/// Parquet counts with signs.
fn size(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
