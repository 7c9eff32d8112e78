//! `PlanCodec`: our operators as bytes, so that a plan can leave the process.
//!
//! An operator is one byte for the version, its description as a JSON object and, where its schema is not its input's, that schema as an
//! Arrow IPC stream without batches. The rest of a plan DataFusion writes itself.
//!
//! What always holds here (each with its test in `tests`):
//! - A plan that was decoded is the plan that was encoded, in operators, schemas, ordering and partitioning.
//!   (`a_plan_comes_back_as_it_was`)
//! - Bytes of another version or of an unknown operator, and damaged ones, are an error and no panic.
//!   (`other_versions_and_operators_are_refused`, `broken_bytes_are_refused`, `damaged_bytes_never_panic`)
//! - What an operator keeps can't change unnoticed: the bytes of a version stay. (`version_2_is_written_like_this`)
//! - Nothing is written for a node that is not ours, so that this codec can be one of several in a `ComposedPhysicalExtensionCodec`.
//!   (`a_foreign_node_is_refused`)
//!
//! # Why
//! Order and partitioning are not written: the constructors derive both from the input, and DataFusion's own nodes between ours
//! (`RepartitionExec` with its preserved order, `SortPreservingMergeExec`) keep theirs. How deep a plan may be is up to protobuf, which
//! reads 100 nested messages, two for a node: enough for 22 plugins that each want their rows spread anew. (`a_plan_may_be_this_deep`)

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::{
    common::{DataFusionError, Result},
    execution::TaskContext,
    physical_plan::ExecutionPlan,
};
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{AssessExec, LandExec, SourceExec, TransformExec, source_exec::slice_schema};
use crate::plugin::ipc;

/// The version of the bytes. It goes up with any change of the layout or of what an operator keeps: host and executors of two versions
/// refuse each other instead of guessing.
const VERSION: u8 = 2;

/// Writes and reads [`SourceExec`], [`TransformExec`], [`AssessExec`] and [`LandExec`].
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanCodec;

/// Why an operator can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A node that is not one of ours.
    #[error("`{0}` is no operator that this host knows")]
    Unknown(String),
    /// Written by another version of tidegate.
    #[error("an operator is written in version {0}, this host reads version {VERSION}")]
    Version(u8),
    /// There are no bytes.
    #[error("an operator without bytes")]
    Empty,
    /// The bytes go on where they should end.
    #[error("`{0}` has bytes after its end")]
    Trailing(String),
    /// The description is not the JSON that it should be.
    #[error("the description of an operator can't be read")]
    Description(#[source] serde_json::Error),
    /// An operator's work is not what it should be.
    #[error("what `{operator}` keeps can't be read")]
    Work {
        /// The operator.
        operator: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The schema is none.
    #[error("the schema of `{operator}` can't be read: {reason}")]
    Schema {
        /// The operator.
        operator: String,
        /// What is wrong.
        reason: String,
    },
    /// The inputs are not those of the operator.
    #[error("`{operator}` wants {wanted} as its input")]
    Input {
        /// The operator.
        operator: String,
        /// What it wants.
        wanted: &'static str,
    },
}

impl From<CodecError> for DataFusionError {
    fn from(error: CodecError) -> Self {
        Self::External(Box::new(error))
    }
}

/// An operator's description.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    operator: String,
    work: Value,
}

/// What a [`LandExec`] knows.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LandWork {
    stream: String,
}

impl PhysicalExtensionCodec for PlanCodec {
    fn try_encode(&self, node: Arc<dyn ExecutionPlan>, buf: &mut Vec<u8>, _: &dyn PhysicalProtoConverterExtension) -> Result<()> {
        buf.extend(encode(node.as_ref())?);
        Ok(())
    }

    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        decode(buf, inputs)
    }
}

fn encode(node: &dyn ExecutionPlan) -> Result<Vec<u8>> {
    if let Some(exec) = node.downcast_ref::<SourceExec>() {
        write(exec, exec.work(), Some(exec.schema()))
    } else if let Some(exec) = node.downcast_ref::<TransformExec>() {
        write(exec, exec.work(), Some(exec.schema()))
    } else if let Some(exec) = node.downcast_ref::<AssessExec>() {
        write(exec, exec.work(), None)
    } else if let Some(exec) = node.downcast_ref::<LandExec>() {
        write(exec, &LandWork { stream: exec.stream().to_owned() }, None)
    } else {
        Err(CodecError::Unknown(node.name().to_owned()).into())
    }
}

fn write(node: &dyn ExecutionPlan, work: &impl Serialize, schema: Option<SchemaRef>) -> Result<Vec<u8>> {
    let operator = node.name().to_owned();
    let failed = |source| CodecError::Work { operator: operator.clone(), source };
    let work = serde_json::to_value(work).map_err(failed)?;
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, &Description { operator: operator.clone(), work }).map_err(failed)?;
    if let Some(schema) = schema {
        bytes.extend(ipc::encode_schema(&schema)?);
    }
    Ok(bytes)
}

fn decode(bytes: &[u8], inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
    let written = Written::read(bytes)?;
    Ok(match written.operator.as_str() {
        "SourceExec" => {
            let slices = written.input(inputs)?;
            if slices.schema().fields() != slice_schema().fields() {
                return Err(CodecError::Input { operator: written.operator, wanted: "a scan of slices" }.into());
            }
            let schema = written.schema()?;
            Arc::new(SourceExec::new(written.work()?, schema, slices)?)
        }
        "TransformExec" => {
            let (input, schema) = (written.input(inputs)?, written.schema()?);
            Arc::new(TransformExec::new(written.work()?, schema, input)?)
        }
        "AssessExec" => {
            let input = written.input(inputs)?;
            written.no_schema()?;
            Arc::new(AssessExec::new(written.work()?, input))
        }
        "LandExec" => {
            let input = written.input(inputs)?;
            written.no_schema()?;
            Arc::new(LandExec::new(written.work::<LandWork>()?.stream, input))
        }
        _ => return Err(CodecError::Unknown(written.operator).into()),
    })
}

/// An operator's bytes, taken apart.
struct Written<'a> {
    operator: String,
    work: Value,
    schema: &'a [u8],
}

impl<'a> Written<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let (&version, rest) = bytes.split_first().ok_or(CodecError::Empty)?;
        if version != VERSION {
            return Err(CodecError::Version(version));
        }
        let mut descriptions = serde_json::Deserializer::from_slice(rest).into_iter();
        let description = descriptions.next().ok_or(CodecError::Empty)?;
        let Description { operator, work } = description.map_err(CodecError::Description)?;
        let schema = rest.get(descriptions.byte_offset()..).unwrap_or_default();
        Ok(Self { operator, work, schema })
    }

    fn input(&self, inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>, CodecError> {
        match inputs {
            [input] => Ok(input.clone()),
            _ => Err(CodecError::Input { operator: self.operator.clone(), wanted: "one node" }),
        }
    }

    fn schema(&self) -> Result<SchemaRef, CodecError> {
        ipc::decode_schema(self.schema.to_vec()).map_err(|reason| CodecError::Schema { operator: self.operator.clone(), reason })
    }

    fn no_schema(&self) -> Result<(), CodecError> {
        if self.schema.is_empty() { Ok(()) } else { Err(CodecError::Trailing(self.operator.clone())) }
    }

    fn work<T: DeserializeOwned>(self) -> Result<T, CodecError> {
        let Self { operator, work, .. } = self;
        serde_json::from_value(work).map_err(|source| CodecError::Work { operator, source })
    }
}

#[cfg(test)]
mod tests;
