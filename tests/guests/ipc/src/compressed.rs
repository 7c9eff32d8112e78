//! Sends a batch whose few bytes claim to be 8 GiB once they are unpacked; the contract knows no compression.

use arrow_ipc::{
    BodyCompression, BodyCompressionArgs, BodyCompressionMethod, Buffer, CompressionType, FieldNode, Message, MessageArgs, MessageHeader,
    MetadataVersion, RecordBatch, RecordBatchArgs,
};
use flatbuffers::FlatBufferBuilder;

const CLAIMED_BYTES: i64 = 8 << 30;

/// The test's batch: two rows of a number, a text (it has offsets besides) and the origin; each column has a null mask.
const ROWS: i64 = 2;
const COLUMNS: usize = 3;
const BUFFERS: usize = 7;

pub fn bytes(batch: &[u8]) -> Vec<u8> {
    // One prefix with the claimed length serves as each column's buffer.
    let body = [CLAIMED_BYTES.to_le_bytes(), *b"notlz4!!"].concat();
    let mut stream = crate::schema_message(batch).to_vec();
    stream.extend(framed(&header(body.len() as i64)));
    stream.extend(body);
    stream.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    stream
}

fn header(body: i64) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let (buffers, nodes) = (vec![Buffer::new(0, body); BUFFERS], vec![FieldNode::new(ROWS, 0); COLUMNS]);
    let (buffers, nodes) = (builder.create_vector(&buffers), builder.create_vector(&nodes));
    let compression = BodyCompressionArgs { codec: CompressionType::LZ4_FRAME, method: BodyCompressionMethod::BUFFER };
    let compression = BodyCompression::create(&mut builder, &compression);
    let batch = RecordBatchArgs {
        length: ROWS,
        nodes: Some(nodes),
        buffers: Some(buffers),
        compression: Some(compression),
        variadicBufferCounts: None,
    };
    let batch = RecordBatch::create(&mut builder, &batch);
    let message = MessageArgs {
        version: MetadataVersion::V5,
        header_type: MessageHeader::RecordBatch,
        header: Some(batch.as_union_value()),
        bodyLength: body,
        custom_metadata: None,
    };
    let message = Message::create(&mut builder, &message);
    builder.finish(message, None);
    builder.finished_data().to_vec()
}

/// A message as it stands in a stream: marker, length, bytes padded to eight.
fn framed(message: &[u8]) -> Vec<u8> {
    let padded = message.len().next_multiple_of(8);
    let mut bytes = vec![0xff; 4];
    bytes.extend((padded as u32).to_le_bytes());
    bytes.extend(message);
    bytes.resize(8 + padded, 0);
    bytes
}
