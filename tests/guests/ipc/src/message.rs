//! Not a misbehaviour: a record batch's message, built by hand so that it can say what it likes.

use arrow_ipc::{
    BodyCompression, BodyCompressionArgs, BodyCompressionMethod, Buffer, CompressionType, FieldNode, Message, MessageArgs, MessageHeader,
    MetadataVersion, RecordBatch, RecordBatchArgs,
};
use flatbuffers::FlatBufferBuilder;

/// What a batch of the test's three columns (a number, a text, the origin) says of itself.
pub struct Claims {
    /// The batch's rows.
    pub rows: i64,
    /// Each column's rows.
    pub column_rows: i64,
    /// Whether the buffers are packed with LZ4.
    pub compressed: bool,
}

const COLUMNS: usize = 3;

/// Columns have a null mask and values, texts have offsets besides.
const BUFFERS: usize = 7;

/// A stream with the schema of `batch` and one batch, whose every buffer is `body`.
pub fn stream(batch: &[u8], claims: &Claims, body: &[u8]) -> Vec<u8> {
    let mut stream = crate::schema_message(batch).to_vec();
    stream.extend(framed(&header(claims, body.len() as i64)));
    stream.extend(body);
    stream.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    stream
}

fn header(claims: &Claims, body: i64) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let (buffers, nodes) = (vec![Buffer::new(0, body); BUFFERS], vec![FieldNode::new(claims.column_rows, 0); COLUMNS]);
    let (buffers, nodes) = (builder.create_vector(&buffers), builder.create_vector(&nodes));
    let lz4 = BodyCompressionArgs { codec: CompressionType::LZ4_FRAME, method: BodyCompressionMethod::BUFFER };
    let compression = claims.compressed.then(|| BodyCompression::create(&mut builder, &lz4));
    let batch =
        RecordBatchArgs { length: claims.rows, nodes: Some(nodes), buffers: Some(buffers), compression, variadicBufferCounts: None };
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
