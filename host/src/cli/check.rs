//! `tidegate check` and `tidegate plan`.

use std::sync::Arc;

use datafusion::physical_plan::displayable;
use serde_json::json;

use super::{
    PipelineArgs, host,
    output::{Failed, print_json, say},
};
use crate::{
    config::{self, StorageLayout, UrlPattern},
    error,
    flow::{
        Contacts, Plan, RunContext,
        launch::{Host, Launch, context, ready, show},
        preview::physical_plans,
    },
    plugin::{Grant, LogSink},
    warehouse::Warehouse,
};

/// A pipeline that is prepared to be looked at: nothing is archived, nothing is kept.
pub(super) struct Look {
    pub plan: Plan,
    pub ctx: RunContext,
    _scratch: tempfile::TempDir,
}

/// Prepares a pipeline without leaving anything in its storage.
pub(super) async fn look(host: &Host, args: &PipelineArgs) -> Result<Look, Failed> {
    let loaded = config::load(&args.pipeline)?;
    let cursors = Warehouse::open(&loaded).await?.cursors(&loaded.pipeline.name);
    let launch = Launch { overrides: args.overrides(), ..Launch::new(args.pipeline.clone()) };
    let log: LogSink = Arc::new(|line| show(&line));
    let contacts = Contacts::unrecorded(launch.overrides.clone());
    let plan = ready(host, loaded, &contacts, &launch, log.clone()).await?;
    let scratch = tempfile::tempdir()?;
    let mut ctx = context(host, &plan, contacts, "look", &launch, log);
    ctx.cursors = cursors;
    ctx.storage = StorageLayout::new(scratch.path());
    Ok(Look { plan, ctx, _scratch: scratch })
}

/// Checks everything that can be checked without running.
pub async fn check(args: &PipelineArgs, as_json: bool) -> Result<u8, Failed> {
    let host = host()?;
    let Look { plan, .. } = look(&host, args).await?;
    let wishes = ungranted(&plan);
    if as_json {
        let streams: Vec<_> = plan.streams.iter().map(|stream| &stream.name).collect();
        let tables: Vec<_> = plan.tables.iter().map(|table| &table.name).collect();
        let plugins: Vec<_> = plan.plugins.values().map(|plugin| json!({ "plugin": plugin.id(), "sha256": plugin.digest })).collect();
        let wishes: Vec<_> = wishes.iter().map(|(source, wish)| json!({ "source": source, "wish": wish })).collect();
        print_json(&json!({ "ok": true, "streams": streams, "tables": tables, "plugins": plugins, "not_granted": wishes }));
        return Ok(error::OK);
    }
    let name = &plan.loaded.pipeline.name;
    let (streams, checks) = (plan.streams.len(), plan.checks.len());
    let (tables, marts) = (plan.tables.len(), plan.marts.len());
    say(&format!("{name} is fine: {streams} streams, {checks} checks across streams, {tables} tables, {marts} marts"));
    let mut plugins: Vec<_> = plan.plugins.values().collect();
    plugins.sort_by_key(|plugin| plugin.id());
    for plugin in plugins {
        say(&format!("  {} ({}) {}", plugin.id(), plugin.role, &plugin.digest[..12]));
    }
    for (source, wish) in wishes {
        say(&format!("  source {source} asks for {} `{}` ({}), which is not granted", wish.kind, wish.name, wish.purpose));
    }
    Ok(error::OK)
}

/// What sources ask for in their manifests and are not granted. That is no fault: a pipeline may need less than a plugin can do.
fn ungranted(plan: &Plan) -> Vec<(&String, &Grant)> {
    let mut missing = Vec::new();
    for (name, source) in &plan.loaded.pipeline.sources {
        let Some(plugin) = plan.sources.get(name).and_then(|work| plan.plugins.get(&work.step.digest)) else { continue };
        let is_granted = |wish: &&Grant| match wish.kind.as_str() {
            "files" => source.grants.files.contains_key(&wish.name),
            "http" => source.grants.http.values().any(|grant| meets(&grant.url, &wish.name)),
            _ => false,
        };
        missing.extend(plugin.manifest.grants.iter().filter(|wish| !is_granted(wish)).map(|wish| (name, wish)));
    }
    missing
}

/// Whether a granted URL leads to a host that a plugin asks for: `*.myshopify.com`, `api.stripe.com`, or `*` for one that its config names.
fn meets(url: &str, wish: &str) -> bool {
    let Ok(pattern) = UrlPattern::parse(url) else { return false };
    let host = pattern.host.to_string();
    match wish.strip_prefix('*') {
        Some(end) => host.ends_with(end),
        None => host == wish,
    }
}

/// Shows the plan of each stream.
pub async fn plan(args: &PipelineArgs, as_json: bool) -> Result<u8, Failed> {
    let host = host()?;
    let look = look(&host, args).await?;
    let plans = physical_plans(&look.ctx, &look.plan).await?;
    if as_json {
        let plans: Vec<_> = plans
            .iter()
            .map(|(stream, plan)| json!({ "stream": stream, "plan": plan.as_ref().map(|plan| displayable(plan.as_ref()).indent(true).to_string()) }))
            .collect();
        print_json(&plans);
        return Ok(error::OK);
    }
    for (stream, plan) in plans {
        say(&format!("stream {stream}"));
        match plan {
            Some(plan) => say(&indented(&displayable(plan.as_ref()).indent(true).to_string())),
            None => say("  nothing new to read"),
        }
    }
    for check in &look.plan.checks {
        say(&format!("check {} (counts for {})\n{}", check.name, check.stream, indented(&check.sql)));
    }
    for table in &look.plan.tables {
        let from = table.sql.as_deref().map_or_else(|| format!("stream {}", table.stream.as_deref().unwrap_or_default()), one_line);
        let key = if table.key.is_empty() { String::new() } else { format!(" by {}", table.key.join(", ")) };
        say(&format!("table {} ({}{key})\n  {from}", table.name, table.mode.name()));
    }
    for (mart, sql) in &look.plan.marts {
        say(&format!("mart {mart}\n  {}", one_line(sql)));
    }
    Ok(error::OK)
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// A statement without its comments, on one line, cut for the eye.
fn one_line(sql: &str) -> String {
    let code = sql.lines().map(|line| line.split("--").next().unwrap_or_default().trim()).collect::<Vec<_>>().join(" ");
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    match code.char_indices().nth(160) {
        Some((end, _)) => format!("{} …", &code[..end]),
        None => code,
    }
}
