//! Before a run: everything that can be wrong without reading the data is found here, and named.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use arrow::datatypes::{Schema, SchemaRef};
use indexmap::IndexMap;

use super::{Course, RunError, gate::Policy, grant};
use crate::{
    config::{ConfigError, Loaded, Mart, Mode, Part, Step, Table, bind, near_miss, pointer_path},
    egress::{archive::Archive, granted::Granted, recording::Recording},
    engine::{PluginStep, TransformStep},
    lineage::{ORIGIN, with_origin},
    plugin::{
        Access, Context, Distribution, FailureKind, KeyDesk, LogSink, Plugin, PluginError, QualityInstance, Role, Runtime, SourceInstance,
        StreamInfo, TransformInstance, WriteMode, resolve,
    },
    warehouse::{QueryError, TableLoad, check_sql},
};

/// What preparing needs.
pub struct Preparation<'a> {
    /// The pipeline.
    pub loaded: Loaded,
    /// Runs the plugins.
    pub runtime: &'a Runtime,
    /// Folders in which plugins are looked for, besides `plugins` beside the pipeline file.
    pub plugin_folders: &'a [PathBuf],
    /// Components that are used for a name whatever the folders hold.
    pub components: &'a HashMap<String, PathBuf>,
    /// What stands behind the sources' grants.
    pub contacts: &'a Contacts,
    /// The context of the run, but for the stream.
    pub context: Context,
    /// What the run has done so far.
    pub course: &'a Course,
    /// Where messages of plugins go.
    pub log: LogSink,
}

/// What stands behind the grants of a pipeline's sources.
pub enum Contacts {
    /// What was granted.
    Granted {
        /// Directories that take the place of granted ones, by the grant's name.
        overrides: HashMap<String, PathBuf>,
        /// The archive of each source; none where nothing is to be kept.
        archives: HashMap<String, Arc<Archive>>,
    },
    /// What an earlier run took from each source. Nothing else is reached.
    Recorded(HashMap<String, Arc<Recording>>),
}

impl Contacts {
    /// What was granted, and nothing is kept of it.
    pub fn unrecorded(overrides: HashMap<String, PathBuf>) -> Self {
        Self::Granted { overrides, archives: HashMap::new() }
    }

    /// The archives, where there are some.
    pub fn into_archives(self) -> HashMap<String, Arc<Archive>> {
        match self {
            Self::Granted { archives, .. } => archives,
            Self::Recorded(_) => HashMap::new(),
        }
    }
}

/// A pipeline that is ready to run.
pub struct Plan {
    /// The pipeline.
    pub loaded: Loaded,
    /// The plugins, by digest.
    pub plugins: HashMap<String, Arc<Plugin>>,
    /// The sources, by name.
    pub sources: IndexMap<String, SourceWork>,
    /// The streams, in the pipeline's order.
    pub streams: Vec<StreamWork>,
    /// The rules across streams.
    pub checks: Vec<CheckWork>,
    /// The tables to load.
    pub tables: Vec<TableLoad>,
    /// The marts to refresh: name and SQL.
    pub marts: Vec<(String, String)>,
    /// What the gate asks for.
    pub policy: Policy,
}

/// A source that is ready.
pub struct SourceWork {
    /// Its plugin and config.
    pub step: PluginStep,
    /// What it may touch.
    pub granted: Granted,
}

/// A stream that is ready.
pub struct StreamWork {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: String,
    /// What the source says of it.
    pub info: StreamInfo,
    /// The schema of the source's batches, with the origin.
    pub input: SchemaRef,
    /// The transforms and what each makes of its input.
    pub transforms: Vec<TransformStep>,
    /// The quality plugins and how each wants rows spread.
    pub quality: Vec<(PluginStep, Distribution)>,
}

impl StreamWork {
    /// The schema of the clean stream, with the origin.
    pub fn clean_schema(&self) -> &SchemaRef {
        self.transforms.last().map_or(&self.input, |transform| &transform.shape.schema)
    }
}

/// A rule across streams that is ready.
pub struct CheckWork {
    /// Its name.
    pub name: String,
    /// The stream it counts for.
    pub stream: String,
    /// Its SQL.
    pub sql: String,
    /// The quality plugins that judge the rows, and how each wants them spread.
    pub quality: Vec<(PluginStep, Distribution)>,
}

/// Loads plugins, checks configs and grants, asks sources and transforms for their schemas, plans every SQL.
pub async fn prepare(request: Preparation<'_>) -> Result<Plan, RunError> {
    known_grants(&request)?;
    let mut work = Work { plugins: HashMap::new(), request };
    let sources = work.sources().await?;
    let infos = work.discover(&sources).await?;
    let streams = work.streams(&infos).await?;
    let checks = work.checks(&streams).await?;
    let (tables, known) = work.tables(&streams).await?;
    let marts = work.marts(known).await?;
    let policy = Policy::new(&work.request.loaded.pipeline);
    Ok(Plan { plugins: work.plugins, loaded: work.request.loaded, sources, streams, checks, tables, marts, policy })
}

/// Every name that the command line overrides must be granted to some source.
fn known_grants(request: &Preparation<'_>) -> Result<(), RunError> {
    let Contacts::Granted { overrides, .. } = request.contacts else { return Ok(()) };
    let granted: Vec<_> = request.loaded.pipeline.sources.values().flat_map(|source| source.grants.files.keys().cloned()).collect();
    match overrides.keys().find(|name| !granted.contains(name)) {
        Some(name) => Err(RunError::UnknownGrant { name: name.clone(), granted }),
        None => Ok(()),
    }
}

struct Work<'a> {
    request: Preparation<'a>,
    plugins: HashMap<String, Arc<Plugin>>,
}

impl Work<'_> {
    fn wrong(&self, path: &[&str], part: Part, message: impl Into<String>, help: Option<String>) -> RunError {
        let problem = self.request.loaded.problem(path, part, message).with_help(help);
        RunError::Config(ConfigError::from(problem))
    }

    async fn load(&mut self, name: &str, role: Role) -> Result<Arc<Plugin>, RunError> {
        let path = match self.request.components.get(name) {
            Some(path) => path.clone(),
            None => resolve(name, &self.request.loaded.root, self.request.plugin_folders)?,
        };
        let plugin = self.request.runtime.load(&path).await?;
        plugin.expect_role(role)?;
        self.plugins.insert(plugin.digest.clone(), plugin.clone());
        Ok(plugin)
    }

    /// Loads a plugin and holds its config against the schema that it publishes.
    async fn step(&mut self, name: &str, config: &serde_json::Value, role: Role, place: &[&str]) -> Result<PluginStep, RunError> {
        let plugin = self.load(name, role).await?;
        self.check_config(&plugin, config, place)?;
        Ok(PluginStep { digest: plugin.digest.clone(), plugin: plugin.id(), config: config.to_string() })
    }

    /// A plugin that says that its config is wrong speaks of the step at `place`.
    fn placed(&self, place: &[&str], error: PluginError) -> RunError {
        match &error {
            PluginError::Failure { kind: FailureKind::Config, .. } => {
                self.wrong(&[place, &["config"]].concat(), Part::Key, error.to_string(), None)
            }
            _ => error.into(),
        }
    }

    fn check_config(&self, plugin: &Plugin, config: &serde_json::Value, place: &[&str]) -> Result<(), RunError> {
        let Ok(validator) = jsonschema::validator_for(&plugin.manifest.config_schema) else {
            return Err(self.wrong(place, Part::Key, format!("{} publishes a config schema that is none", plugin.id()), None));
        };
        // Of a choice between kinds the schema can only say that none fits; the plugin itself says which word is wrong.
        let choice = |error: &jsonschema::ValidationError<'_>| {
            use jsonschema::error::ValidationErrorKind as Kind;
            matches!(error.kind(), Kind::OneOfNotValid { .. } | Kind::AnyOf { .. } | Kind::OneOfMultipleValid { .. })
        };
        let Some(error) = validator.iter_errors(config).find(|error| !choice(error)) else { return Ok(()) };
        let inside = pointer_path(&error.instance_path().to_string());
        let (word, message, help) = explain(&error, plugin);
        let mut path: Vec<&str> = place.to_vec();
        path.push("config");
        path.extend(inside.iter().map(String::as_str));
        let part = if word.is_some() { Part::Key } else { Part::Value };
        path.extend(word.as_deref());
        Err(self.wrong(&path, part, message, help))
    }

    async fn sources(&mut self) -> Result<IndexMap<String, SourceWork>, RunError> {
        let mut sources = IndexMap::new();
        for (name, source) in self.request.loaded.pipeline.sources.clone() {
            let place = ["sources", name.as_str()];
            let step = self.step(&source.plugin, &source.config, Role::Source, &place).await?;
            let granted = grant::to_source(&self.request, &name, &source)?;
            self.request.course.reaches(&name, &granted);
            sources.insert(name, SourceWork { step, granted });
        }
        Ok(sources)
    }

    /// What instances may that see no rows.
    fn access(&self, granted: Option<Granted>) -> Access {
        let keys = KeyDesk::new(self.request.loaded.storage().work());
        Access { limits: self.request.loaded.pipeline.limits.clone(), log: self.request.log.clone(), granted, keys }
    }

    fn context(&self, stream: &str) -> Context {
        Context { stream: stream.to_owned(), ..self.request.context.clone() }
    }

    /// What each source offers.
    async fn discover(&self, sources: &IndexMap<String, SourceWork>) -> Result<HashMap<String, Vec<StreamInfo>>, RunError> {
        let mut infos = HashMap::new();
        for (name, source) in sources {
            let plugin = &self.plugins[&source.step.digest];
            let access = self.access(Some(source.granted.clone()));
            let mut instance = SourceInstance::new(self.request.runtime, plugin, "", &source.step.config, &access).await?;
            let place = ["sources", name.as_str()];
            instance.check().await.map_err(|error| self.placed(&place, error))?;
            infos.insert(name.clone(), instance.discover().await.map_err(|error| self.placed(&place, error))?);
        }
        Ok(infos)
    }

    async fn streams(&mut self, infos: &HashMap<String, Vec<StreamInfo>>) -> Result<Vec<StreamWork>, RunError> {
        let pipeline = self.request.loaded.pipeline.clone();
        let only = pipeline.sources.keys().next().cloned().unwrap_or_default();
        let mut streams = Vec::new();
        for (name, stream) in &pipeline.streams {
            let source = stream.source.clone().unwrap_or_else(|| only.clone());
            let offered = infos.get(&source).map(Vec::as_slice).unwrap_or_default();
            let theirs = stream.stream.as_ref().unwrap_or(name);
            let Some(info) = offered.iter().find(|info| info.name == *theirs).cloned() else {
                let near = near_miss(theirs, offered.iter().map(|info| info.name.as_str())).map(|near| format!("did you mean `{near}`?"));
                let message = format!("source `{source}` has no stream `{theirs}`");
                let (path, part): (&[&str], Part) = match stream.stream {
                    Some(_) => (&["streams", name, "stream"], Part::Value),
                    None => (&["streams", name], Part::Key),
                };
                return Err(self.wrong(path, part, message, near));
            };
            let input = with_origin(&info.schema);
            let transforms = self.transforms(name, &stream.transforms, &input).await?;
            let clean = transforms.last().map_or(&input, |transform: &TransformStep| &transform.shape.schema).clone();
            let quality = self.quality(&["streams", name], name, &stream.quality, &clean).await?;
            streams.push(StreamWork { name: name.clone(), source, info, input, transforms, quality });
        }
        Ok(streams)
    }

    async fn transforms(&mut self, stream: &str, steps: &[Step], input: &SchemaRef) -> Result<Vec<TransformStep>, RunError> {
        let mut found: Vec<TransformStep> = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let index = index.to_string();
            let place = ["streams", stream, "transforms", &index];
            let step = self.step(&step.plugin, &step.config, Role::Transform, &place).await?;
            let input = found.last().map_or(input, |transform| &transform.shape.schema).clone();
            let plugin = self.plugins[&step.digest].clone();
            let access = self.access(None);
            let mut instance = TransformInstance::new(self.request.runtime, &plugin, &self.context(stream), &step.config, &access).await?;
            let shape = instance.shape(&input).await.map_err(|error| self.placed(&place, error))?;
            found.push(TransformStep { step, shape });
        }
        Ok(found)
    }

    async fn quality(
        &mut self,
        place: &[&str],
        stream: &str,
        steps: &[Step],
        input: &SchemaRef,
    ) -> Result<Vec<(PluginStep, Distribution)>, RunError> {
        let mut found = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let index = index.to_string();
            let place = [place, &["quality", index.as_str()]].concat();
            let step = self.step(&step.plugin, &step.config, Role::Quality, &place).await?;
            let plugin = self.plugins[&step.digest].clone();
            let access = self.access(None);
            let mut instance = QualityInstance::new(self.request.runtime, &plugin, &self.context(stream), &step.config, &access).await?;
            let distribution = instance.plan(input).await.map_err(|error| self.placed(&place, error))?;
            found.push((step, distribution));
        }
        Ok(found)
    }

    async fn checks(&mut self, streams: &[StreamWork]) -> Result<Vec<CheckWork>, RunError> {
        let schemas = schemas(streams);
        let mut found = Vec::new();
        for (name, check) in self.request.loaded.pipeline.checks.clone() {
            let sql = self.request.loaded.statement(&check.sql).to_owned();
            let place = ["checks", name.as_str()];
            let schema = match check_sql(&schemas, &sql).await {
                Ok(schema) => schema,
                Err(error) => return Err(self.wrong_sql(&["checks", &name, "sql"], &error)),
            };
            let judged = with_origin(&without_origin(&schema));
            let quality = self.quality(&place, &check.stream, &check.quality, &judged).await?;
            found.push(CheckWork { name, stream: check.stream, sql, quality });
        }
        Ok(found)
    }

    /// The tables, and their schemas by name.
    async fn tables(&mut self, streams: &[StreamWork]) -> Result<(Vec<TableLoad>, Vec<(String, SchemaRef)>), RunError> {
        let schemas = schemas(streams);
        let mut found = Vec::new();
        let mut known = Vec::new();
        for (name, table) in self.request.loaded.pipeline.tables.clone() {
            let sql = table.sql.as_deref().map(|sql| self.request.loaded.statement(sql).to_owned());
            let schema = match (&sql, &table.stream) {
                (Some(sql), _) => match check_sql(&schemas, sql).await {
                    Ok(schema) => schema,
                    Err(error) => return Err(self.wrong_sql(&["tables", &name, "sql"], &error)),
                },
                (None, stream) => {
                    let known = schemas.iter().find(|(known, _)| Some(known) == stream.as_ref());
                    known.map_or_else(|| Arc::new(Schema::empty()), |(_, schema)| schema.clone())
                }
            };
            if let Some(key) = table.key.iter().find(|key| schema.field_with_name(key).is_err()) {
                let near = near_miss(key, schema.fields().iter().map(|field| field.name().as_str()));
                let near = near.map(|near| format!("did you mean `{near}`?"));
                return Err(self.wrong(&["tables", &name, "key"], Part::Value, format!("table `{name}` has no column `{key}`"), near));
            }
            self.check_mode(&name, &table, sql.as_deref(), streams)?;
            known.push((name.clone(), schema));
            found.push(TableLoad { name, sql, stream: table.stream, mode: table.mode, key: table.key });
        }
        Ok((found, known))
    }

    /// A table that keeps only the rows of its last run must not be fed by a stream that gives only what is new.
    fn check_mode(&self, name: &str, table: &Table, sql: Option<&str>, streams: &[StreamWork]) -> Result<(), RunError> {
        let feeds = |stream: &StreamWork| table.stream.as_deref() == Some(&stream.name) || sql.is_some_and(|sql| names(sql, &stream.name));
        let partial = |stream: &&StreamWork| stream.info.write_mode != WriteMode::Replace && feeds(stream);
        match streams.iter().find(partial) {
            Some(stream) if table.mode == Mode::Replace => {
                let message = format!("stream `{}` gives only what is new, mode `replace` would drop the rest of `{name}`", stream.name);
                let help = Some("write `mode = \"append\"`, or `mode = \"merge\"` with a key".to_owned());
                Err(self.wrong(&["tables", name, "mode"], Part::Value, message, help))
            }
            _ => Ok(()),
        }
    }

    /// The marts with their SQL, planned over the pipeline's tables and the marts before each. A table that another pipeline loads into the
    /// same lake is not known here; its marts are planned when they are made.
    async fn marts(&self, mut known: Vec<(String, SchemaRef)>) -> Result<Vec<(String, String)>, RunError> {
        let mut found = Vec::new();
        for (name, mart) in &self.request.loaded.pipeline.marts {
            let sql = mart_sql(&self.request.loaded, mart);
            match check_sql(&known, &sql).await {
                Ok(schema) => known.push((name.clone(), schema)),
                Err(QueryError::UnknownTable { near: None, .. }) => {}
                Err(error) => return Err(self.wrong_sql(&["marts", name, "sql"], &error)),
            }
            found.push((name.clone(), sql));
        }
        Ok(found)
    }

    fn wrong_sql(&self, path: &[&str], error: &(dyn std::error::Error + 'static)) -> RunError {
        let root = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error).to_string();
        let said = root.trim_start_matches("Error during planning: ").trim_start_matches("Schema error: ");
        self.wrong(path, Part::Value, format!("this SQL can't be planned: {said}"), None)
    }
}

/// The SQL of a mart, its parameters filled in.
pub(super) fn mart_sql(loaded: &Loaded, mart: &Mart) -> String {
    bind(loaded.statement(&mart.sql), &mart.parameters)
}

fn without_origin(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().filter(|field| field.name() != ORIGIN).cloned().collect::<Vec<_>>())
}

fn schemas(streams: &[StreamWork]) -> Vec<(String, SchemaRef)> {
    streams.iter().map(|stream| (stream.name.clone(), stream.clean_schema().clone())).collect()
}

/// Whether a statement names a table, as a word of its own.
pub(super) fn names(sql: &str, table: &str) -> bool {
    sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word.eq_ignore_ascii_case(table))
}

/// The word at fault (where a key is), what is wrong, and the near miss.
fn explain(error: &jsonschema::ValidationError<'_>, plugin: &Plugin) -> (Option<String>, String, Option<String>) {
    use jsonschema::error::ValidationErrorKind as Kind;
    let id = plugin.id();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let word = unexpected.first().cloned().unwrap_or_default();
            let known = property_names(&plugin.manifest.config_schema);
            let near = near_miss(&word, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            (Some(word.clone()), format!("{id} has no setting `{word}` here"), near)
        }
        _ => (None, format!("{id} does not take this: {error}"), None),
    }
}

/// All property names of a schema, for near misses.
fn property_names(schema: &serde_json::Value) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(serde_json::Value::Object(properties)) = map.get("properties") {
                    names.extend(properties.keys().cloned());
                }
                open.extend(map.values());
            }
            serde_json::Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    names
}
