//! Arrow IPC, the form in which batches cross the sandbox.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{reader::StreamDecoder, writer::StreamWriter};
use arrow_schema::{Schema, SchemaRef};

use crate::{Failure, Result};

/// A schema as an IPC stream without a batch.
pub fn encode_schema(schema: &Schema) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::with_capacity(1024), schema)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

/// Batches of one schema as an IPC stream; `None` where there is no row.
pub fn encode(batches: &[RecordBatch]) -> Result<Option<Vec<u8>>> {
    let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    // What is written, not what the batches hold on to: columns of a decoded batch share one buffer, and each would count it.
    let columns = batches.iter().flat_map(RecordBatch::columns);
    let bytes: usize = columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or_default() + 128).sum();
    let mut writer = StreamWriter::try_new(Vec::with_capacity(bytes + 2048), &first.schema())?;
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(Some(writer.into_inner()?))
}

/// The schema of an IPC stream.
pub fn decode_schema(bytes: Vec<u8>) -> Result<SchemaRef> {
    let mut decoder = StreamDecoder::new();
    decoder.decode(&mut Buffer::from_vec(bytes))?;
    decoder.schema().ok_or_else(|| Failure::bug("the host sent a stream without a schema"))
}

/// All batches of an IPC stream as one, without copying its buffers where the stream holds a single batch.
pub fn decode(bytes: Vec<u8>) -> Result<RecordBatch> {
    // SAFETY: the bytes come from the host, which wrote them with arrow's own writer from batches that it validated; checking them
    // again would cost a third of the decoding.
    let mut decoder = unsafe { StreamDecoder::new().with_skip_validation(true) };
    let mut buffer = Buffer::from_vec(bytes);
    let mut batches = Vec::with_capacity(1);
    while !buffer.is_empty() {
        if let Some(batch) = decoder.decode(&mut buffer)? {
            batches.push(batch);
        }
    }
    match (batches.len(), decoder.schema()) {
        (1, _) => Ok(batches.remove(0)),
        (0, Some(schema)) => Ok(RecordBatch::new_empty(schema)),
        (_, Some(schema)) => Ok(arrow_select::concat::concat_batches(&schema, &batches)?),
        (_, None) => Err(Failure::bug("the host sent a stream without a schema")),
    }
}

/// Reads a plugin's config.
pub fn decode_config<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Failure::config(error.to_string()))
}
