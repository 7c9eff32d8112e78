//! Plugins: which ones run, what they ask for, what pipelines grant them, and what they really touched.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use maud::{Markup, html};

use super::{
    super::{
        App, PageContext, Problem, blocking,
        page::page,
        view::{Tone, badge, count, empty, in_url, table},
    },
    archive::{of_run, source_of},
    place::{self, Place},
    sources::granted,
    spark::run_url,
};
use crate::{
    egress::archive::{Asked, Page, each_page},
    error,
    plugin::{Plugin, Role, resolve},
    state::{self, RunId},
};

/// The newest runs among which the last one with a report is looked for.
const RECENT: u32 = 10;

/// Where a pipeline uses a plugin.
#[derive(Default)]
struct Use {
    pipeline: String,
    /// `source olist`, `stream orders`.
    places: BTreeSet<String>,
}

/// A component with its uses.
struct Known {
    plugin: Result<std::sync::Arc<Plugin>, String>,
    name: String,
    uses: Vec<Use>,
}

/// What a source touched in its last run.
struct Touched {
    pipeline: String,
    source: String,
    run: RunId,
    /// Hosts or directories, with how often.
    what: BTreeMap<String, u64>,
}

pub(super) async fn show(State(app): State<App>, ctx: PageContext) -> Result<Markup, Problem> {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut touched = Vec::new();
    let mut places = Vec::new();
    for view in app.desk().pipelines() {
        let place = place::of(&app, view).await?;
        collect(&app, &place, &mut known).await;
        touched.extend(touches(&place).await?);
        places.push(place);
    }
    let body = html! {
        div.head { div.title { h1 { "Plugins" } } p.lead { "Components in a sandbox: no clock, no randomness, no environment, no network of their own. What a source touches goes through the host, if a pipeline grants it." } }
        @if known.is_empty() { (empty("No plugin yet", "Plugins come with the pipelines that use them.")) } @else {
            (table("Plugins", &html! {
                table {
                    caption { "The plugins of the served pipelines." }
                    thead { tr { th scope="col" { "Plugin" } th scope="col" { "Role" } th scope="col" { "What it does" } th scope="col" { "Asks for" } th scope="col" { "Used by" } th scope="col" { "SHA-256" } } }
                    tbody { @for plugin in known.values() { (row(plugin)) } }
                }
            }))
            section.section aria-labelledby="contacts" {
                h2 #contacts { "What sources really touched" }
                p.lead { "By the archive of each source's last run: every contact goes through the host and is archived." }
                (table("Contacts", &contacts(&places, &touched)))
            }
        }
    };
    Ok(page(&ctx, "Plugins", body))
}

/// Adds the plugins that a pipeline uses, loaded once each: compiled code is kept by the host.
async fn collect(app: &App, place: &Place, known: &mut BTreeMap<String, Known>) {
    let (pipeline, host) = (&place.view.loaded.pipeline, app.desk().host());
    let mut names: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, source) in &pipeline.sources {
        names.entry(&source.plugin).or_default().insert(format!("source {name}"));
    }
    for (name, stream) in &pipeline.streams {
        for step in stream.transforms.iter().chain(&stream.quality) {
            names.entry(&step.plugin).or_default().insert(format!("stream {name}"));
        }
    }
    for (name, check) in &pipeline.checks {
        for step in &check.quality {
            names.entry(&step.plugin).or_default().insert(format!("check {name}"));
        }
    }
    for (name, places) in names {
        let plugin = match resolve(name, &place.view.loaded.root, &host.plugin_folders) {
            Ok(path) => host.runtime.load(&path).await.map_err(|error| error::chain(&error)),
            Err(error) => Err(error::chain(&error)),
        };
        let key =
            plugin.as_ref().map_or_else(|_| format!("{name} {}", place.view.name), |plugin| format!("{} {}", plugin.id(), plugin.digest));
        let known = known.entry(key).or_insert_with(|| Known { plugin, name: name.to_owned(), uses: Vec::new() });
        known.uses.push(Use { pipeline: place.view.name.clone(), places });
    }
}

fn row(known: &Known) -> Markup {
    let uses = html! {
        ul { @for used in &known.uses { li { a href={ "/pipelines/" (in_url(&used.pipeline)) } { (used.pipeline) } ": " (few(&used.places)) } } }
    };
    match &known.plugin {
        Ok(plugin) => html! {
            tr {
                th.nowrap scope="row" { (plugin.id()) br; span.soft { (plugin.manifest.licence) } }
                td { (plugin.role) }
                td.wide { (plugin.manifest.summary) }
                td.wide { (asks(plugin)) }
                td { (uses) }
                td { code title=(plugin.digest) { (plugin.digest.chars().take(16).collect::<String>()) "…" } }
            }
        },
        Err(why) => html! {
            tr {
                th scope="row" { (known.name) " " (badge(Tone::Bad, "can't be loaded")) }
                td colspan="3" { (why) } td { (uses) } td { span.none { "–" } }
            }
        },
    }
}

fn asks(plugin: &Plugin) -> Markup {
    html! {
        @if plugin.manifest.grants.is_empty() {
            span.none { @if plugin.role == Role::Source { "nothing" } @else { "nothing: it gets batches and gives batches" } }
        } @else { ul { @for grant in &plugin.manifest.grants { li { (grant.kind) " " span.tag { (grant.name) } " " (grant.purpose) } } } }
    }
}

/// The first few of many places.
fn few(places: &BTreeSet<String>) -> String {
    const FEW: usize = 4;
    let shown: Vec<_> = places.iter().take(FEW).cloned().collect();
    let more = places.len().saturating_sub(FEW);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// What the sources of a pipeline touched in its last run that ended with a report.
async fn touches(place: &Place) -> Result<Vec<Touched>, Problem> {
    let reported = |state: &state::State, name: &str| {
        for run in state.history(name, 0, RECENT)? {
            if state.run(&run.id)?.report.is_some() {
                return Ok(Some(run));
            }
        }
        Ok(None)
    };
    let Some(run) = place.read(None, reported).await? else {
        return Ok(Vec::new());
    };
    let (root, pipeline) = (place.storage.raw(), place.view.name.clone());
    blocking(move || {
        let mut touched = Vec::new();
        for manifest in of_run(&root, &run.id)? {
            let mut what = BTreeMap::new();
            // A manifest that can't be read says nothing; the page of the run's archive tells why.
            let _ = each_page(&manifest, |page| *what.entry(contact(&page)).or_default() += 1);
            touched.push(Touched { pipeline: pipeline.clone(), source: source_of(&manifest), run: run.id.clone(), what });
        }
        Ok(touched)
    })
    .await
}

/// The host or the directory that a page came from.
fn contact(page: &Page) -> String {
    match &page.asked {
        Asked::File(file) => format!("files of {}", file.directory),
        Asked::Http(exchange) => {
            let url = url::Url::parse(&exchange.url).ok();
            let host = url.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
            format!("{} {host}", exchange.method)
        }
    }
}

fn contacts(places: &[Place], touched: &[Touched]) -> Markup {
    html! {
        table {
            caption { "Grants beside contacts, source by source." }
            thead { tr { th scope="col" { "Source" } th scope="col" { "Pipeline" } th scope="col" { "Granted" } th scope="col" { "Touched" } th scope="col" { "Run" } } }
            tbody {
                @for place in places {
                    @for (name, source) in &place.view.loaded.pipeline.sources {
                        @let found = touched.iter().find(|it| it.pipeline == place.view.name && it.source == *name);
                        tr {
                            th scope="row" { (name) } td { (place.view.name) } td.wide { (granted(&source.grants)) }
                            td {
                                @if let Some(found) = found {
                                    ul { @for (what, times) in &found.what { li { code { (what) } " " span.soft { (count(*times)) " pages" } } } }
                                } @else { span.none { "nothing yet" } }
                            }
                            td { @if let Some(found) = found { a href={ (run_url(&place.view.name, &found.run)) "/pages?source=" (in_url(name)) } { (found.run) } } @else { span.none { "–" } } }
                        }
                    }
                }
            }
        }
    }
}
