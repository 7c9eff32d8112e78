//! Arrow IPC, the form in which batches cross the sandbox.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{
    Block, Message,
    convert::fb_to_schema,
    reader::{FileDecoder, StreamDecoder},
    root_as_message,
    writer::StreamWriter,
};
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
///
/// # Why
/// Message by message with arrow's decoder of files: its decoder of streams checks the values of every batch, also where it is told not to
/// (arrow-ipc 59.3), which takes as long as all else that decoding is.
pub fn decode(bytes: Vec<u8>) -> Result<RecordBatch> {
    let mut stream = Buffer::from_vec(bytes);
    let (mut decoder, mut batches) = (None, Vec::with_capacity(1));
    while let Some((message, length)) = message(&stream)? {
        let block = Block::new(0, length as i32, message.bodyLength());
        let end = length + message.bodyLength() as usize;
        match (message.header_as_schema(), &mut decoder) {
            (Some(schema), None) => {
                let schema = Arc::new(fb_to_schema(schema));
                // SAFETY: the bytes come from the host, which wrote them with arrow's own writer from batches that it validated.
                let messages = unsafe { FileDecoder::new(schema.clone(), message.version()).with_skip_validation(true) };
                decoder = Some((schema, messages));
            }
            (None, Some((_, messages))) if message.header_as_dictionary_batch().is_some() => messages.read_dictionary(&block, &stream)?,
            (None, Some((_, messages))) => batches.extend(messages.read_record_batch(&block, &stream)?),
            _ => return Err(Failure::bug("the host sent a stream that does not begin with its one schema")),
        }
        stream.advance(end);
    }
    match (batches.len(), decoder) {
        (1, _) => Ok(batches.remove(0)),
        (0, Some((schema, _))) => Ok(RecordBatch::new_empty(schema)),
        (_, Some((schema, _))) => Ok(arrow_select::concat::concat_batches(&schema, &batches)?),
        (_, None) => Err(Failure::bug("the host sent a stream without a schema")),
    }
}

/// The next message of a stream and how many bytes lie before its body; `None` at the stream's end.
fn message(stream: &[u8]) -> Result<Option<(Message<'_>, usize)>> {
    /// What stands before each message and its length.
    const CONTINUATION: [u8; 4] = [0xff; 4];
    let Some(rest) = stream.strip_prefix(&CONTINUATION) else { return Ok(None) };
    let cut = || Failure::bug("the host sent a stream that breaks off");
    let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length == 0 {
        return Ok(None);
    }
    let message = root_as_message(rest.get(..length).ok_or_else(cut)?).map_err(|error| Failure::bug(error.to_string()))?;
    let body = usize::try_from(message.bodyLength()).map_err(|_| cut())?;
    if rest.len() - length < body { Err(cut()) } else { Ok(Some((message, stream.len() - rest.len() + length))) }
}

/// Reads a plugin's config.
pub fn decode_config<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Failure::config(error.to_string()))
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray, types::Int32Type};
    use arrow_schema::{DataType, Field};

    use super::*;

    fn batch(first: i32) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(first), None, Some(first + 2)]));
        let words: ArrayRef = Arc::new(StringArray::from(vec![None, Some("dois"), Some("três")]));
        let kinds: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter(["a", "b", "a"]));
        RecordBatch::try_from_iter_with_nullable([("number", numbers, true), ("word", words, true), ("kind", kinds, false)]).unwrap()
    }

    #[test]
    fn batches_come_back_as_one() {
        let one = encode(&[batch(1)]).unwrap().unwrap();
        assert_eq!(decode(one).unwrap(), batch(1));
        let both = decode(encode(&[batch(1), batch(4)]).unwrap().unwrap()).unwrap();
        assert_eq!((both.slice(0, 3), both.slice(3, 3)), (batch(1), batch(4)));
    }

    #[test]
    fn a_stream_without_a_batch_is_no_row() {
        let schema = Schema::new(vec![Field::new("number", DataType::Int32, true)]);
        assert_eq!(decode(encode_schema(&schema).unwrap()).unwrap(), RecordBatch::new_empty(Arc::new(schema)));
    }

    #[test]
    fn what_is_cut_is_an_error() {
        let bytes = encode(&[batch(1)]).unwrap().unwrap();
        assert_eq!(decode(Vec::new()).unwrap_err().message, "the host sent a stream without a schema");
        for length in [6, 40, 400, bytes.len() - 40] {
            let error = decode(bytes[..length].to_vec()).unwrap_err();
            assert_eq!(error.message, "the host sent a stream that breaks off", "{length} bytes");
        }
    }
}
