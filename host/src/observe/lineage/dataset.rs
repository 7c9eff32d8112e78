//! How OpenLineage names what a pipeline reads and writes (its naming specification), and what is said of it.

use std::path::Path;

use arrow::datatypes::{Schema, SchemaRef};
use serde_json::{Map, Value, json};

use super::{columns::Origins, facet};
use crate::{
    config::{Loaded, Mode, WarehouseKind},
    flow::{Report, gate::Scores},
    lineage::ORIGIN,
    quality::{Dimension, Measure},
    warehouse::TableResult,
};

/// The name of a dataset: namespace and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub String, pub String);

impl Name {
    /// What a stream is read from: below the directory or at the server that its source is granted first.
    pub fn of_source(loaded: &Loaded, stream: &str) -> Self {
        let pipeline = &loaded.pipeline;
        let given = pipeline.streams.get(stream);
        let source = given.and_then(|given| given.source.as_ref()).or_else(|| pipeline.sources.keys().next());
        let theirs = given.and_then(|given| given.stream.as_deref()).unwrap_or(stream);
        let grants = source.and_then(|source| pipeline.sources.get(source)).map(|source| &source.grants);
        if let Some(grant) = grants.and_then(|grants| grants.http.values().next()) {
            let origin = grant.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            return Self(origin, theirs.to_owned());
        }
        if let Some(folder) = grants.and_then(|grants| grants.files.values().next()) {
            return Self::of_file(&loaded.root.join(folder).join(theirs));
        }
        Self("tidegate".to_owned(), format!("{}.{}.{theirs}", pipeline.name, source.map_or("", String::as_str)))
    }

    /// The clean files of a stream.
    pub fn of_clean(loaded: &Loaded, stream: &str) -> Self {
        Self::of_file(&loaded.storage().clean().join(stream))
    }

    /// A table or mart in the warehouse at `place`, as [`crate::warehouse::Warehouse::place`] gives it.
    pub fn of_table(loaded: &Loaded, place: &str, table: &str) -> Self {
        match loaded.pipeline.warehouse.kind {
            WarehouseKind::Lake => Self::of_file(&loaded.storage().lake().join(table)),
            WarehouseKind::Postgres => {
                // `user@host:port,host:port/database, schema name`
                let (address, schema) = place.rsplit_once(", schema ").unwrap_or((place, "public"));
                let servers = address.rsplit_once('@').map_or(address, |(_, servers)| servers);
                let (servers, database) = servers.rsplit_once('/').unwrap_or((servers, ""));
                let first = servers.split(',').next().unwrap_or_default();
                Self(format!("postgres://{first}"), format!("{database}.{schema}.{table}"))
            }
        }
    }

    fn of_file(path: &Path) -> Self {
        // `root.join("../in")` names the same folder in another way; nothing has to be there for that.
        let mut clean = std::path::PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::ParentDir => drop(clean.pop()),
                std::path::Component::CurDir => {}
                part => clean.push(part),
            }
        }
        Self("file".to_owned(), clean.display().to_string())
    }

    fn with(&self, more: Value) -> Value {
        let mut dataset = json!({ "namespace": self.0, "name": self.1 });
        if let (Value::Object(dataset), Value::Object(more)) = (&mut dataset, more) {
            dataset.extend(more);
        }
        dataset
    }

    /// Nothing but the name.
    pub fn bare(&self) -> Value {
        self.with(json!({}))
    }
}

/// A stream as it came: how much, and what its rules found. Scores speak of the data as it came, so they stand at the source.
pub(super) fn input(loaded: &Loaded, report: &Report, stream: &str) -> Value {
    let Some(read) = report.streams.iter().find(|read| read.stream == stream) else {
        return Name::of_source(loaded, stream).bare();
    };
    let measures: Vec<&Measure> = report.measures.iter().filter(|measure| measure.stream == stream).collect();
    let scores = report.verdict.iter().flat_map(|verdict| &verdict.scores).find(|scores| scores.stream.as_deref() == Some(stream));
    let facets = json!({
        "inputStatistics": facet("1-0-0", "InputStatisticsInputDatasetFacet", json!({ "rowCount": read.read, "size": read.bytes })),
        "dataQualityMetrics": facet("1-0-3", "DataQualityMetricsInputDatasetFacet", json!({
            "rowCount": read.read, "bytes": read.bytes, "columnMetrics": column_metrics(&measures),
        })),
        "dataQualityAssertions": facet("1-1-0", "DataQualityAssertionsDatasetFacet", json!({ "assertions": assertions(&measures, scores) })),
    });
    Name::of_source(loaded, stream).with(json!({ "inputFacets": facets }))
}

/// How many cells of a required column are missing, where a rule counted that.
fn column_metrics(measures: &[&Measure]) -> Map<String, Value> {
    let complete = measures.iter().filter(|measure| measure.dimension == Dimension::Completeness && !measure.rejects);
    let counted = complete.filter_map(|measure| match measure.columns.as_slice() {
        [column] => Some((column.clone(), json!({ "nullCount": measure.total - measure.passed, "count": measure.passed }))),
        _ => None,
    });
    counted.collect()
}

/// Each rule is an assertion that all passed, which alone holds nothing up; each measured dimension is one that its floor is kept, which does.
fn assertions(measures: &[&Measure], scores: Option<&Scores>) -> Vec<Value> {
    let rules = measures.iter().map(|measure| {
        let Measure { rule, passed, total, .. } = measure;
        let mut assertion = json!({
            "assertion": rule, "success": passed == total, "severity": "warn",
            "expected": total.to_string(), "actual": passed.to_string(),
        });
        if let [column] = measure.columns.as_slice() {
            assertion["column"] = column.as_str().into();
        }
        assertion
    });
    let floors = scores.into_iter().flat_map(|scores| &scores.dimensions).filter_map(|found| {
        let (score, floor) = (found.score?, found.floor);
        Some(json!({
            "assertion": found.dimension, "success": score >= floor, "severity": "error",
            "expected": format!("{floor} %"), "actual": format!("{score} %"),
        }))
    });
    rules.chain(floors).collect()
}

/// The clean files of a stream.
pub(super) fn clean(loaded: &Loaded, report: &Report, stream: &str, schema: &Schema) -> Value {
    let read = report.streams.iter().find(|read| read.stream == stream);
    let written = read.map(|read| json!({ "rowCount": read.accepted, "size": read.clean_bytes }));
    let facets = json!({ "schema": schema_facet(schema) });
    Name::of_clean(loaded, stream).with(json!({ "facets": facets, "outputFacets": output_facets(written) }))
}

/// A table or mart, with its columns and where they come from, where that is known.
pub(super) fn table(
    loaded: &Loaded,
    place: &str,
    result: &TableResult,
    shape: Option<&(SchemaRef, Vec<Origins>)>,
    named: &impl Fn(&str) -> Name,
) -> Value {
    let written = match result.mode {
        // A mart or a replaced table is made anew.
        Mode::Replace => result.rows_in,
        _ => result.inserted + result.updated,
    };
    let mut facets = Map::new();
    if let Some((schema, origins)) = shape {
        facets.insert("schema".to_owned(), schema_facet(schema));
        facets.extend(column_facet(schema, origins, named).map(|facet| ("columnLineage".to_owned(), facet)));
    }
    let outputs = output_facets(Some(json!({ "rowCount": written })));
    Name::of_table(loaded, place, &result.table).with(json!({ "facets": facets, "outputFacets": outputs }))
}

fn output_facets(statistics: Option<Value>) -> Value {
    match statistics {
        Some(statistics) => json!({ "outputStatistics": facet("1-0-2", "OutputStatisticsOutputDatasetFacet", statistics) }),
        None => json!({}),
    }
}

fn schema_facet(schema: &Schema) -> Value {
    let fields = schema.fields().iter().filter(|field| field.name() != ORIGIN);
    let fields: Vec<_> = fields.map(|field| json!({ "name": field.name(), "type": field.data_type().to_string() })).collect();
    facet("1-2-0", "SchemaDatasetFacet", json!({ "fields": fields }))
}

/// None where nothing is known of any column.
fn column_facet(schema: &Schema, origins: &[Origins], named: &impl Fn(&str) -> Name) -> Option<Value> {
    let mut fields = Map::new();
    for (field, origins) in schema.fields().iter().zip(origins) {
        let Some(origins) = origins.as_ref().filter(|origins| !origins.is_empty()) else { continue };
        let inputs = origins.iter().map(|(table, column)| {
            let Name(namespace, name) = named(table);
            json!({ "namespace": namespace, "name": name, "field": column })
        });
        fields.insert(field.name().clone(), json!({ "inputFields": inputs.collect::<Vec<_>>() }));
    }
    (!fields.is_empty()).then(|| facet("1-2-0", "ColumnLineageDatasetFacet", json!({ "fields": fields })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(warehouse: &str) -> Loaded {
        let text = format!(
            "version = 1\nname = \"shop\"\n[warehouse]\nkind = \"{warehouse}\"\n[sources.files]\nplugin = \"x\"\n\
             grants = {{ files = {{ data = \"../in\" }} }}\n[sources.web]\nplugin = \"x\"\n\
             [sources.web.grants.http.api]\nurl = \"https://demo.example.com:8443/admin/**\"\n\
             [streams.orders]\nsource = \"files\"\n[streams.people]\nsource = \"web\"\nstream = \"customers\"\n"
        );
        crate::config::restore("p.toml".into(), "/srv/shop".into(), text, std::collections::BTreeMap::new()).unwrap()
    }

    #[test]
    fn names_are_those_of_the_naming_specification() {
        let (lake, postgres) = (loaded("lake"), loaded("postgres"));
        let shown = |Name(namespace, name): Name| format!("{namespace} {name}");
        assert_eq!(shown(Name::of_source(&lake, "orders")), "file /srv/in/orders");
        assert_eq!(shown(Name::of_source(&lake, "people")), "https://demo.example.com:8443 customers");
        assert_eq!(shown(Name::of_clean(&lake, "orders")), "file /srv/shop/store/clean/orders");
        assert_eq!(shown(Name::of_table(&lake, "", "fact")), "file /srv/shop/store/lake/fact");
        let place = "etl@db1:5432,db2:5432/shop, schema mart";
        assert_eq!(shown(Name::of_table(&postgres, place, "fact")), "postgres://db1:5432 shop.mart.fact");
        let socket = "etl@/var/run/postgresql:5432/shop, schema public";
        assert_eq!(shown(Name::of_table(&postgres, socket, "fact")), "postgres:///var/run/postgresql:5432 shop.public.fact");
    }
}
