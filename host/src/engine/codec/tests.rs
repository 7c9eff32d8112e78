//! Plans there and back, and bytes that are no plan.

use arrow::{
    datatypes::{DataType, Field, Schema, TimeUnit},
    util::pretty::pretty_format_batches,
};
use datafusion::{
    physical_plan::{ExecutionPlanProperties, collect, displayable, empty::EmptyExec},
    prelude::SessionContext,
};
use datafusion_proto::{
    bytes::{physical_plan_from_bytes_with_extension_codec, physical_plan_to_bytes_with_extension_codec},
    physical_plan::{AsExecutionPlan, ComposedPhysicalExtensionCodec, DefaultPhysicalExtensionCodec},
    protobuf::PhysicalPlanNode,
};

use super::*;
use crate::{
    engine::{PluginStep, SourceRead, StreamPlan, TransformStep, stream_plan},
    lineage::ORIGIN,
    plugin::{Context, Distribution, Rule, Shape, Slice},
    quality::Dimension,
};

fn step(name: &str) -> PluginStep {
    PluginStep { digest: format!("sha256 of {name}"), plugin: format!("{name}@0.1.0"), config: r#"{"zone":"America/São_Paulo"}"#.into() }
}

fn schema(fields: Vec<Field>) -> SchemaRef {
    let fields: Vec<_> = fields.into_iter().chain([Field::new(ORIGIN, DataType::UInt64, false)]).collect();
    Arc::new(Schema::new_with_metadata(fields, [("made by".to_owned(), "a fake".to_owned())].into()))
}

fn raw() -> SchemaRef {
    schema(vec![Field::new("order_id", DataType::Utf8, true), Field::new("price", DataType::Utf8, true)])
}

fn clean() -> SchemaRef {
    let id = Field::new("order_id", DataType::Utf8, false).with_metadata([("format".to_owned(), "32-hex id".to_owned())].into());
    let tags = DataType::new_list(DataType::Utf8, true);
    schema(vec![
        id,
        Field::new("price", DataType::Decimal128(10, 2), true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("day", DataType::Date32, true),
        Field::new("tags", tags, true),
    ])
}

fn slices(count: u64) -> Vec<Slice> {
    let bytes = |number| (number % 2 == 0).then_some(number);
    (0..count).map(|number| Slice { id: format!("id {number}"), label: format!("file {number}.csv"), bytes: bytes(number) }).collect()
}

fn read(count: u64) -> SourceRead {
    let cursor = Some("2018-10-17".to_owned());
    SourceRead {
        source: "olist".into(),
        stream: "orders".into(),
        step: step("source-files"),
        schema: raw(),
        slices: slices(count),
        cursor,
        batch_rows: 8192,
    }
}

fn transform(distribution: Distribution) -> TransformStep {
    let reason = "the price is not a number".to_owned();
    let rules = vec![Rule { name: "price".into(), dimension: Dimension::Validity, columns: vec!["price".into()], reason }];
    TransformStep { step: step("transform-olist"), shape: Shape { schema: clean(), primary_key: vec![], distribution, rules } }
}

fn hash() -> Distribution {
    Distribution::Hash(vec!["order_id".into()])
}

fn context() -> Context {
    Context { stream: "orders".into(), now_micros: -1, seed: u64::MAX }
}

/// A stream of so many slices, and how its plugins want rows spread.
fn plan(count: u64, transforms: Vec<Distribution>, quality: Vec<Distribution>) -> Arc<dyn ExecutionPlan> {
    stream_plan(&StreamPlan {
        read: read(count),
        transforms: transforms.into_iter().map(transform).collect(),
        quality: quality.into_iter().map(|distribution| (step("quality-dimensions"), distribution)).collect(),
        context: context(),
    })
    .unwrap()
}

fn source() -> Arc<dyn ExecutionPlan> {
    let mut node = plan(2, vec![], vec![]);
    while !node.is::<SourceExec>() {
        node = node.children()[0].clone();
    }
    node
}

fn there_and_back(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let bytes = physical_plan_to_bytes_with_extension_codec(plan.clone(), &PlanCodec)?;
    physical_plan_from_bytes_with_extension_codec(&bytes, &SessionContext::new().task_ctx(), &PlanCodec)
}

fn shown(plan: &Arc<dyn ExecutionPlan>) -> String {
    displayable(plan.as_ref()).indent(true).to_string()
}

/// Compares what a plan shows, and what it doesn't: schemas, ordering, partitioning, works, slices.
async fn assert_same(found: &Arc<dyn ExecutionPlan>, wanted: &Arc<dyn ExecutionPlan>) {
    assert_eq!(shown(found), shown(wanted));
    let mut pairs = vec![(found.clone(), wanted.clone())];
    while let Some((found, wanted)) = pairs.pop() {
        let node = displayable(wanted.as_ref()).one_line().to_string();
        assert_eq!(found.schema(), wanted.schema(), "{node}");
        assert_eq!(found.output_ordering(), wanted.output_ordering(), "{node}");
        // As text: an unknown partitioning equals nothing, not even itself.
        assert_eq!(found.output_partitioning().to_string(), wanted.output_partitioning().to_string(), "{node}");
        assert_eq!(found.maintains_input_order(), wanted.maintains_input_order(), "{node}");
        assert_eq!(found.pipeline_behavior(), wanted.pipeline_behavior(), "{node}");
        assert_eq!(found.boundedness(), wanted.boundedness(), "{node}");
        assert_eq!(work(&found), work(&wanted), "{node}");
        let (of_found, of_wanted) = (found.children(), wanted.children());
        assert_eq!(of_found.len(), of_wanted.len(), "{node}");
        if of_wanted.is_empty() {
            assert_eq!(rows(found).await, rows(wanted).await, "{node}");
        } else {
            pairs.extend(of_found.into_iter().cloned().zip(of_wanted.into_iter().cloned()));
        }
    }
}

/// All that one of our operators knows.
fn work(node: &Arc<dyn ExecutionPlan>) -> Option<String> {
    let source = node.downcast_ref::<SourceExec>().map(|exec| format!("{:?}", exec.work()));
    let transform = || node.downcast_ref::<TransformExec>().map(|exec| format!("{:?}", exec.work()));
    let assess = || node.downcast_ref::<AssessExec>().map(|exec| format!("{:?}", exec.work()));
    let land = || node.downcast_ref::<LandExec>().map(|exec| exec.stream().to_owned());
    source.or_else(transform).or_else(assess).or_else(land)
}

async fn rows(leaf: Arc<dyn ExecutionPlan>) -> String {
    let batches = collect(leaf, SessionContext::new().task_ctx()).await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

fn refusal(bytes: &[u8], inputs: &[Arc<dyn ExecutionPlan>]) -> String {
    let error = decode(bytes, inputs).unwrap_err();
    let DataFusionError::External(error) = error else { return error.to_string() };
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// The bytes of a description, in the current version.
fn described(description: &str) -> Vec<u8> {
    [&[VERSION], description.as_bytes()].concat()
}

#[tokio::test]
async fn a_plan_comes_back_as_it_was() {
    let (any, single) = (|| Distribution::Any, || Distribution::Single);
    let plans = [
        plan(1, vec![], vec![]),
        plan(1, vec![hash()], vec![single()]),
        plan(3, vec![any()], vec![any()]),
        plan(3, vec![hash()], vec![any()]),
        plan(3, vec![single()], vec![hash()]),
        plan(3, vec![any(), hash()], vec![hash(), single()]),
    ];
    for plan in plans {
        assert_same(&there_and_back(&plan).unwrap(), &plan).await;
    }
}

#[tokio::test]
async fn hash_and_single_keep_the_order_of_origins() {
    let plan = plan(3, vec![hash()], vec![Distribution::Single]);
    let found = there_and_back(&plan).unwrap();
    insta::assert_snapshot!(shown(&found), @r"
    LandExec: stream=orders, format=parquet
      AssessExec: stream=orders, plugin=quality-dimensions@0.1.0
        SortPreservingMergeExec: [_origin@5 ASC]
          TransformExec: stream=orders, plugin=transform-olist@0.1.0
            RepartitionExec: partitioning=Hash([order_id@0], 3), input_partitions=3, preserve_order=true, sort_exprs=_origin@2 ASC
              SourceExec: stream=orders, plugin=source-files@0.1.0
                DataSourceExec: partitions=3, partition_sizes=[1, 1, 1]
    ");
    // The same through the node, which is how a scheduler holds it.
    let node = PhysicalPlanNode::try_from_physical_plan(plan.clone(), &PlanCodec).unwrap();
    assert_same(&node.try_into_physical_plan(&SessionContext::new().task_ctx(), &PlanCodec).unwrap(), &plan).await;
}

#[tokio::test]
async fn a_plan_may_be_this_deep() {
    let deep = |transforms| plan(3, vec![hash(); transforms], vec![Distribution::Single]);
    there_and_back(&deep(21)).unwrap();
    let error = there_and_back(&deep(22)).unwrap_err().to_string();
    assert!(error.contains("recursion limit reached"), "{error}");
}

#[tokio::test]
async fn the_codec_can_be_one_of_several() {
    let codecs = ComposedPhysicalExtensionCodec::new(vec![Arc::new(DefaultPhysicalExtensionCodec {}), Arc::new(PlanCodec)]);
    let plan = plan(3, vec![hash()], vec![Distribution::Single]);
    let bytes = physical_plan_to_bytes_with_extension_codec(plan.clone(), &codecs).unwrap();
    let found = physical_plan_from_bytes_with_extension_codec(&bytes, &SessionContext::new().task_ctx(), &codecs).unwrap();
    assert_same(&found, &plan).await;
}

#[test]
fn version_2_is_written_like_this() {
    let text = |node: &Arc<dyn ExecutionPlan>| {
        let bytes = encode(node.as_ref()).unwrap();
        let end = bytes.windows(4).position(|four| four == [0xff; 4]).unwrap_or(bytes.len());
        assert_eq!(bytes[0], 2);
        String::from_utf8(bytes[1..end].to_vec()).unwrap()
    };
    let mut node = plan(1, vec![hash()], vec![Distribution::Single]);
    let mut found = vec![text(&node)];
    while !node.is::<SourceExec>() {
        node = node.children()[0].clone();
        found.push(text(&node));
    }
    // Where this differs from what you want to write, a host of another version will not understand it: raise VERSION.
    insta::assert_snapshot!(found.join("\n"), @r#"
    {"operator":"LandExec","work":{"stream":"orders"}}
    {"operator":"AssessExec","work":{"step":{"digest":"sha256 of quality-dimensions","plugin":"quality-dimensions@0.1.0","config":"{\"zone\":\"America/São_Paulo\"}"},"name":"assess0","subject":"orders","context":{"stream":"orders","now_micros":-1,"seed":18446744073709551615},"distribution":"Single"}}
    {"operator":"TransformExec","work":{"source":"olist","step":{"digest":"sha256 of transform-olist","plugin":"transform-olist@0.1.0","config":"{\"zone\":\"America/São_Paulo\"}"},"index":0,"context":{"stream":"orders","now_micros":-1,"seed":18446744073709551615},"distribution":{"Hash":["order_id"]},"rules":[{"name":"price","dimension":"validity","columns":["price"],"reason":"the price is not a number"}]}}
    {"operator":"SourceExec","work":{"source":"olist","stream":"orders","step":{"digest":"sha256 of source-files","plugin":"source-files@0.1.0","config":"{\"zone\":\"America/São_Paulo\"}"},"context":{"stream":"orders","now_micros":-1,"seed":18446744073709551615},"cursor":"2018-10-17","batch_rows":8192}}
    "#);
}

#[test]
fn a_foreign_node_is_refused() {
    let foreign: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(raw()));
    let mut buf = vec![];
    let converter = datafusion_proto::physical_plan::DefaultPhysicalProtoConverter {};
    let error = PlanCodec.try_encode(foreign, &mut buf, &converter).unwrap_err();
    assert_eq!(error.to_string(), "External error: `EmptyExec` is no operator that this host knows");
    assert!(buf.is_empty());
}

#[test]
fn other_versions_and_operators_are_refused() {
    let source = source();
    let inputs = [source.children()[0].clone()];
    let mut bytes = encode(source.as_ref()).unwrap();
    bytes[0] = 1;
    assert_eq!(refusal(&bytes, &inputs), "an operator is written in version 1, this host reads version 2");
    assert_eq!(refusal(&described(r#"{"operator":"SinkExec","work":{}}"#), &inputs), "`SinkExec` is no operator that this host knows");
}

#[test]
fn broken_bytes_are_refused() {
    let source = source();
    let slices = source.children()[0].clone();
    let inputs = [slices.clone()];
    let land = described(r#"{"operator":"LandExec","work":{"stream":"orders"}}"#);
    let refusals = [
        refusal(&[], &inputs),
        refusal(&described(""), &inputs),
        refusal(&described(r#"{"operator":"LandExec","wo"#), &inputs),
        refusal(&described("[1]"), &inputs),
        refusal(&described(r#"{"operator":"LandExec","work":{"strm":"orders"}}"#), &inputs),
        refusal(&[land.as_slice(), b"more"].concat(), &inputs),
        refusal(&land, &[]),
        refusal(&land, &[slices.clone(), slices.clone()]),
        refusal(&encode(source.as_ref()).unwrap(), std::slice::from_ref(&source)),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @r"
    an operator without bytes
    an operator without bytes
    the description of an operator can't be read: EOF while parsing a string at line 1 column 26
    the description of an operator can't be read: invalid type: integer `1`, expected a string at line 1 column 2
    what `LandExec` keeps can't be read: unknown field `strm`, expected `stream`
    `LandExec` has bytes after its end
    `LandExec` wants one node as its input
    `LandExec` wants one node as its input
    `SourceExec` wants a scan of slices as its input
    ");
    let without_schema = refusal(&described(r#"{"operator":"SourceExec","work":{}}"#), &inputs);
    assert!(without_schema.starts_with("the schema of `SourceExec` can't be read: "), "{without_schema}");
}

#[test]
fn a_schema_without_an_origin_is_refused() {
    let source = source();
    let bytes = encode(source.as_ref()).unwrap();
    let start = bytes.windows(4).position(|four| four == [0xff; 4]).unwrap();
    let schema = ipc::encode_schema(&Schema::new(vec![Field::new("order_id", DataType::Utf8, true)])).unwrap();
    let error = refusal(&[&bytes[..start], &schema].concat(), &[source.children()[0].clone()]);
    assert!(error.contains(ORIGIN), "{error}");
}

#[test]
fn damaged_bytes_never_panic() {
    let source = source();
    let inputs = [source.children()[0].clone()];
    let bytes = encode(source.as_ref()).unwrap();
    for end in 0..bytes.len() {
        // Arrow reads a stream without its end mark as well; then the schema is whole.
        if let Ok(found) = decode(&bytes[..end], &inputs) {
            assert_eq!(found.schema(), source.schema());
        }
    }
    for (at, flip) in (0..bytes.len()).flat_map(|at| [(at, 0x01), (at, 0x80), (at, 0xff)]) {
        let mut bytes = bytes.clone();
        bytes[at] ^= flip;
        let _ = decode(&bytes, &inputs);
    }
}
