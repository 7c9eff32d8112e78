//! What a pipeline grants its sources, opened and read: directories are there, secrets can be had. Nothing is sent yet.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use super::{Contacts, Preparation, RunError};
use crate::{
    config::{ConfigError, Part, Source},
    egress::{
        archive::Archive,
        files::Files,
        granted::Granted,
        http::{CredentialError, Credentials, Http, News, Recorded, Terms, grant::Grants},
        recording::Recording,
    },
    plugin::{LogLine, LogSink},
};

/// What the source `name` may touch.
pub(super) fn to_source(request: &Preparation<'_>, name: &str, source: &Source) -> Result<Granted, RunError> {
    let (files, http) = match request.contacts {
        Contacts::Granted { overrides, archives } => {
            let archive = archives.get(name);
            (files(request, overrides, archive.cloned(), name, source)?, http(request, archive.cloned(), name, source)?)
        }
        Contacts::Recorded(recordings) => {
            let recording = recordings.get(name).expect("a replay has a recording of each source");
            (Files::recorded(source.grants.files.keys(), recording), http_of(recording, name, source)?)
        }
    };
    Ok(Granted { files: Arc::new(files), http: Arc::new(http) })
}

fn files(
    request: &Preparation<'_>,
    overrides: &HashMap<String, PathBuf>,
    archive: Option<Arc<Archive>>,
    name: &str,
    source: &Source,
) -> Result<Files, RunError> {
    let root = &request.loaded.root;
    let place_of = |grant: &String, path: &PathBuf| overrides.get(grant).cloned().unwrap_or_else(|| root.join(path));
    let granted = source.grants.files.iter().map(|(grant, path)| (grant, place_of(grant, path)));
    Files::open_directories(granted, archive).map_err(|(grant, path, source)| RunError::Grant {
        source_name: name.to_owned(),
        name: grant,
        path,
        source,
    })
}

fn http(request: &Preparation<'_>, archive: Option<Arc<Archive>>, name: &str, source: &Source) -> Result<Http, RunError> {
    let credentials = Credentials::resolve(&source.credentials, &request.loaded.root).map_err(|error| wrong(request, name, &error))?;
    let news = Some(news(request.log.clone(), format!("source {name}")));
    make(Terms { grants: grants(name, source)?, credentials, patience: source.patience, archive, recorded: None, news })
}

/// Requests that are answered by a recording: no secret is needed, nothing is sent.
fn http_of(recording: &Arc<Recording>, name: &str, source: &Source) -> Result<Http, RunError> {
    let recorded: Arc<dyn Recorded> = recording.clone();
    let credentials = Credentials::without_secrets(&source.credentials);
    make(Terms {
        grants: grants(name, source)?,
        credentials,
        patience: source.patience,
        archive: None,
        recorded: Some(recorded),
        news: None,
    })
}

fn grants(name: &str, source: &Source) -> Result<Grants, RunError> {
    Grants::new(name, &source.grants.http).map_err(|error| RunError::Engine(error.to_string()))
}

fn make(terms: Terms) -> Result<Http, RunError> {
    Http::new(terms).map_err(|error| RunError::Client(crate::error::chain(&error)))
}

/// What the host has to say of a source goes where its plugin's messages go.
fn news(log: LogSink, plugin: String) -> News {
    Arc::new(move |message| {
        log(LogLine { level: tracing::Level::WARN, plugin: plugin.clone(), stream: String::new(), message });
    })
}

/// A secret that can't be had, at the line that says where it is.
fn wrong(request: &Preparation<'_>, source: &str, error: &CredentialError) -> RunError {
    let place = ["sources", source, "credentials", &error.name, error.key];
    let message = format!("{error}: {}", error.reason);
    RunError::Config(ConfigError::from(request.loaded.problem(&place, Part::Value, message)))
}
