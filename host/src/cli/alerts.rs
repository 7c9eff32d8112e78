//! `tidegate alerts`: whether a pipeline's channels can be reached.

use std::path::PathBuf;

use clap::Args;

use super::output::{Failed, columns, print_json, say};
use crate::{
    config::{self, near_miss, paths::public_url},
    error,
    notify::{Delivery, Notifier, Told},
};

/// Which channels to try.
#[derive(Args)]
pub struct AlertsArgs {
    /// The pipeline file, or its folder.
    #[arg(default_value = ".")]
    pipeline: PathBuf,
    /// This channel only.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
}

/// Sends a test message to the channels, and says of each what became of it.
pub async fn alerts(args: &AlertsArgs, json: bool) -> Result<u8, Failed> {
    let mut loaded = config::load(&args.pipeline)?;
    let alerts = &mut loaded.pipeline.alerts;
    if let Some(channel) = &args.channel {
        if !alerts.contains_key(channel) {
            let hint = near_miss(channel, alerts.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            return Err(Failed::Hinted(anyhow::anyhow!("the pipeline has no channel `{channel}`"), hint));
        }
        alerts.retain(|name, _| name == channel);
    }
    if alerts.is_empty() {
        let hint = "add a table such as `[alerts.ops]`; docs/alerts.md shows how".to_owned();
        return Err(Failed::Hinted(anyhow::anyhow!("the pipeline tells nobody"), Some(hint)));
    }
    let deliveries = Notifier::new(public_url()).test(&loaded, chrono::Utc::now()).await;
    if json {
        print_json(&deliveries);
    } else {
        columns(&deliveries.iter().map(row).collect::<Vec<_>>(), &[]).iter().for_each(|line| say(line));
    }
    Ok(if deliveries.iter().any(Delivery::is_failed) { error::FAILED } else { error::OK })
}

fn row(delivery: &Delivery) -> Vec<String> {
    let told = match &delivery.told {
        Told::Sent { attempts: 1 } => "sent".to_owned(),
        Told::Sent { attempts } => format!("sent, after {attempts} tries"),
        Told::KeptBack { until } => format!("kept back until {}", until.format("%F %T UTC")),
        Told::Failed { why, .. } => format!("failed: {why}"),
    };
    vec![delivery.channel.clone(), told]
}
