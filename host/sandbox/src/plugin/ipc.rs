//! Arrow IPC across the sandbox. What a guest hands over is validated here and nowhere else.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use arrow::{
    array::{AsArray, RecordBatch},
    buffer::Buffer,
    datatypes::{Schema, SchemaRef, UInt64Type},
    error::ArrowError,
    ipc::{reader::StreamDecoder, root_as_message, writer::StreamWriter},
};

use super::MAX_BATCH_ROWS;
use crate::lineage::ORIGIN;

/// A schema as an IPC stream without a batch.
pub fn encode_schema(schema: &Schema) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::with_capacity(1024), schema)?;
    writer.finish()?;
    writer.into_inner()
}

/// One batch as an IPC stream, in the place of what `bytes` held. An instance keeps them: fresh memory for each batch costs as much as the
/// copy into it.
pub fn encode(batch: &RecordBatch, bytes: &mut Vec<u8>) -> Result<(), ArrowError> {
    bytes.clear();
    let mut writer = StreamWriter::try_new(bytes, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()
}

/// The schema of a guest's IPC stream, or why it is none.
pub fn decode_schema(bytes: Vec<u8>) -> Result<SchemaRef, String> {
    let (schema, batches) = decode_stream(bytes)?;
    if !batches.is_empty() {
        return Err("a schema was expected, it sent batches".into());
    }
    Ok(schema)
}

/// The batches of a guest's IPC stream, or why they can't be used. Every buffer is checked (offsets, UTF-8, lengths, nulls where none
/// are allowed), and the schema must be the declared one.
pub fn decode(bytes: Vec<u8>, declared: &SchemaRef) -> Result<Vec<RecordBatch>, String> {
    let (schema, batches) = decode_stream(bytes)?;
    same_schema(&schema, declared)?;
    batches
        .into_iter()
        .map(|batch| {
            if batch.num_rows() > MAX_BATCH_ROWS {
                return Err(format!("a batch has {} rows, {MAX_BATCH_ROWS} are allowed", batch.num_rows()));
            }
            // Takes the declared schema and refuses nulls where it has none.
            RecordBatch::try_new(declared.clone(), batch.columns().to_vec()).map_err(|error| error.to_string())
        })
        .collect()
}

/// Refuses batches whose lineage column (the last one) does not ascend from `last` on, and gives its new last value.
pub fn ascending(batches: &[RecordBatch], mut last: u64) -> Result<u64, String> {
    for batch in batches {
        let Some(origins) = batch.columns().last().and_then(|column| column.as_primitive_opt::<UInt64Type>()) else { continue };
        for origin in origins.values() {
            if *origin < last {
                return Err(format!("its `{ORIGIN}` does not ascend"));
            }
            last = *origin;
        }
    }
    Ok(last)
}

fn same_schema(found: &Schema, declared: &Schema) -> Result<(), String> {
    if found.fields().len() != declared.fields().len() {
        return Err(format!("a batch has {} columns, {} are declared", found.fields().len(), declared.fields().len()));
    }
    for (found, declared) in found.fields().iter().zip(declared.fields()) {
        if found.name() != declared.name() || found.data_type() != declared.data_type() {
            return Err(format!(
                "a batch has the column `{}` of type {}, declared is `{}` of type {}",
                found.name(),
                found.data_type(),
                declared.name(),
                declared.data_type()
            ));
        }
    }
    Ok(())
}

fn decode_stream(bytes: Vec<u8>) -> Result<(SchemaRef, Vec<RecordBatch>), String> {
    // arrow checks buffers and flatbuffers, but its IPC reader can still panic on metadata that lies about lengths; a guest must not
    // be able to end the host with it.
    quietly(|| {
        refuse_compression(&bytes)?;
        let mut decoder = StreamDecoder::new();
        let mut buffer = Buffer::from_vec(bytes);
        let mut batches = Vec::with_capacity(1);
        while !buffer.is_empty() {
            let before = buffer.len();
            if let Some(batch) = decoder.decode(&mut buffer)? {
                batches.push(batch);
            }
            if buffer.len() == before {
                return Err(ArrowError::IpcError("the stream has bytes after its end".into()));
            }
        }
        decoder.finish()?;
        let schema = decoder.schema().ok_or_else(|| ArrowError::IpcError("the stream has no schema".into()))?;
        Ok((schema, batches))
    })
    .map_err(|error| format!("its Arrow IPC is broken: {}", error.trim_start_matches("Ipc error: ")))
}

/// Refuses batches whose buffers are compressed: the contract has none, and a few bytes could claim terabytes.
fn refuse_compression(mut bytes: &[u8]) -> Result<(), ArrowError> {
    const CONTINUATION: [u8; 4] = [0xff; 4];
    let cut = || ArrowError::IpcError("a message breaks off".into());
    loop {
        bytes = bytes.strip_prefix(&CONTINUATION).unwrap_or(bytes);
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Ok(()) };
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
        if length == 0 {
            return Ok(());
        }
        let (head, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        let message = root_as_message(head).map_err(|error| ArrowError::IpcError(error.to_string()))?;
        let batch = message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch().and_then(|batch| batch.data()));
        if batch.is_some_and(|batch| batch.compression().is_some()) {
            return Err(ArrowError::IpcError("its buffers are compressed, which the contract does not know".into()));
        }
        let body = usize::try_from(message.bodyLength()).map_err(|_| cut())?;
        bytes = rest.get(body..).ok_or_else(cut)?;
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it becomes an error and prints nothing.
fn quietly<T>(work: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                previous(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    match result {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_else(|| "lengths that contradict each other".into())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{ArrayRef, Int64Array, StringArray},
        datatypes::{DataType, Field},
    };

    use super::*;

    fn batch() -> RecordBatch {
        let schema = Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("n", DataType::Int64, true)]);
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec!["a", "b"])), Arc::new(Int64Array::from(vec![Some(1), None]))];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    fn encoded(batch: &RecordBatch) -> Vec<u8> {
        let mut bytes = b"of the last one".to_vec();
        encode(batch, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_batch_comes_back_as_it_went() {
        let batch = batch();
        assert_eq!(decode(encoded(&batch), &batch.schema()).unwrap(), [batch]);
    }

    /// A guest can send anything: whatever bytes are changed or cut, the host answers with an error or a valid batch, never with a panic.
    #[test]
    fn no_damage_to_the_bytes_panics() {
        let (batch, good) = (batch(), encoded(&batch()));
        for position in 0..good.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[position] = value;
                if let Ok(batches) = decode(bytes, &batch.schema()) {
                    for batch in batches {
                        let _ = format!("{batch:?}");
                    }
                }
            }
            let _ = decode(good[..position].to_vec(), &batch.schema());
        }
    }

    #[test]
    fn another_schema_is_named() {
        let other = Arc::new(Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("m", DataType::Int64, true)]));
        let error = decode(encoded(&batch()), &other).unwrap_err();
        assert_eq!(error, "a batch has the column `n` of type Int64, declared is `m` of type Int64");
    }
}
