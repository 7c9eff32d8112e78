//! SQL in a pipeline file: the text itself, or the path of a file that holds it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::Pipeline;
use super::diagnose::{ConfigError, Part, Problem, near_miss};

/// The statements in the files that a pipeline names, by the values that name them: what ends in `.sql` is a path relative to the pipeline
/// file.
pub(super) fn texts(root: &Path, pipeline: &Pipeline) -> Result<BTreeMap<String, String>, ConfigError> {
    let named = entries(pipeline).filter_map(|(_, value)| Some((value, sql_path(root, value)?)));
    let read = |(value, path): (&str, PathBuf)| match fs::read_to_string(&path) {
        Ok(text) => Ok((value.to_owned(), text)),
        Err(source) => Err(ConfigError::ReadSql { path, source }),
    };
    named.map(read).collect()
}

/// The statement with `$name` replaced by the value of each parameter as a SQL text, by NULL where there is none. Dollars in quotes and
/// comments stay.
pub fn bind(sql: &str, parameters: &IndexMap<String, String>) -> String {
    let mut bound = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(next) = rest.find(['$', '\'', '"', '-']) {
        bound.push_str(&rest[..next]);
        rest = &rest[next..];
        let taken = match rest.as_bytes()[0] {
            b'$' => {
                let name: String = rest[1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                match parameters.get(&name) {
                    _ if name.is_empty() => bound.push('$'),
                    Some(value) => bound.push_str(&format!("'{}'", value.replace('\'', "''"))),
                    None => bound.push_str("null"),
                }
                rest = &rest[1 + name.len()..];
                continue;
            }
            b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            b'-' => 1,
            quote => rest[1..].find(char::from(quote)).map_or(rest.len(), |end| end + 2),
        };
        bound.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    bound.push_str(rest);
    bound
}

/// Every SQL value of a pipeline with the path of its key.
pub(super) fn entries(pipeline: &Pipeline) -> impl Iterator<Item = ([&str; 3], &str)> {
    let checks = pipeline.checks.iter().map(|(name, check)| (["checks", name, "sql"], check.sql.as_str()));
    let tables = pipeline.tables.iter().filter_map(|(name, table)| Some((["tables", name.as_str(), "sql"], table.sql.as_deref()?)));
    let marts = pipeline.marts.iter().map(|(name, mart)| (["marts", name, "sql"], mart.sql.as_str()));
    checks.chain(tables).chain(marts)
}

/// The file that `value` names, if it names one.
pub(super) fn sql_path(root: &Path, value: &str) -> Option<PathBuf> {
    value.trim_end().ends_with(".sql").then(|| root.join(value.trim()))
}

/// The problem of a value that names a file that is not there.
pub(super) fn missing(file: &Path, root: &Path, text: &str, place: &[&str], value: &str) -> Problem {
    let path = root.join(value.trim());
    let folder = path.parent().unwrap_or(root);
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let there = sql_files(folder);
    let near = near_miss(&wanted, there.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if !folder.is_dir() => "its folder does not exist; the path is relative to the pipeline file".to_owned(),
        None => "the path is relative to the pipeline file".to_owned(),
    };
    Problem::at(file, text, place, Part::Value, format!("there is no SQL file `{value}`")).label("not found").with_help(help)
}

fn sql_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".sql"));
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::super::load::{Loaded, load, restore};
    use super::*;

    #[test]
    fn parameters_become_texts_or_null_outside_quotes_and_comments() {
        let parameters = IndexMap::from([("day".to_owned(), "it's".to_owned())]);
        let sql = "select $day, $other, '$day', a - 1 -- $day\n, \"$day\", $ from t";
        assert_eq!(bind(sql, &parameters), "select 'it''s', null, '$day', a - 1 -- $day\n, \"$day\", $ from t");
    }

    const PIPELINE: &str = "\
version = 1
name = \"small\"
[sources.files]
plugin = \"source-files\"
[streams.orders]
[tables.facts]
sql = \"sql/facts.sql\"
";

    fn loaded(folder: &Path) -> Loaded {
        fs::create_dir(folder.join("sql")).unwrap();
        fs::write(folder.join("sql/facts.sql"), "select 1\n").unwrap();
        fs::write(folder.join("pipeline.toml"), PIPELINE).unwrap();
        load(folder).unwrap()
    }

    #[test]
    fn a_path_is_read_relative_to_the_pipeline_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(loaded(folder.path()).statement("sql/facts.sql"), "select 1\n");
    }

    #[test]
    fn other_values_are_the_statement_itself() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(loaded(folder.path()).statement("select * from orders"), "select * from orders");
    }

    #[test]
    fn a_pipeline_that_was_read_needs_its_files_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = loaded(folder.path());
        fs::remove_file(folder.path().join("sql/facts.sql")).unwrap();
        assert_eq!(loaded.statement("sql/facts.sql"), "select 1\n");
        let again = restore(loaded.file, loaded.root, loaded.text, loaded.sql).unwrap();
        assert_eq!((again.statement("sql/facts.sql"), &again.digest), ("select 1\n", &loaded.digest));
    }
}
