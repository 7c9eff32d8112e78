//! `tidegate preview`.

use clap::Args;

use super::{
    Format, PipelineArgs,
    check::{Look, look},
    host,
    output::{Failed, print_rows, talk},
    quarantine::counts,
};
use crate::{config::near_miss, error, flow::preview::preview as first_rows};

/// What to look at.
#[derive(Args)]
pub struct PreviewArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// The stream.
    #[arg(long, short)]
    stream: String,
    /// How many rows.
    #[arg(long, short = 'n', default_value_t = 20)]
    rows: usize,
    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Shows the first rows of a stream after its transforms, and what was rejected on the way.
pub async fn preview(args: &PreviewArgs, json: bool) -> Result<u8, Failed> {
    let host = host()?;
    let Look { plan, ctx, .. } = &look(&host, &args.pipeline).await?;
    if !plan.streams.iter().any(|stream| stream.name == args.stream) {
        let near = near_miss(&args.stream, plan.streams.iter().map(|stream| stream.name.as_str()));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(anyhow::anyhow!("the pipeline has no stream `{}`{near}", args.stream).into());
    }
    let Some(found) = first_rows(ctx, plan, &args.stream, args.rows).await? else {
        talk("nothing new to read");
        return Ok(error::OK);
    };
    let schema = arrow::datatypes::Schema::new(found.plan.schema().fields().to_vec());
    print_rows(&std::sync::Arc::new(schema), &found.batches, if json { Format::Json } else { args.format })?;
    for line in counts(&ctx.storage.quarantine().join(&ctx.run)).await? {
        talk(&line);
    }
    Ok(error::OK)
}
