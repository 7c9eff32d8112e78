//! What there is to tell.

use chrono::{DateTime, Utc};
use url::Url;

use super::Kind;

/// What happened to a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What kind of news it is.
    pub kind: Kind,
    /// The pipeline.
    pub pipeline: String,
    /// The run, where it is about one.
    pub run: Option<String>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened, fit to follow the pipeline's name: `failed`, `is held by its gate`.
    pub what: String,
    /// Why: the error and its causes, or what the gate found, one sentence each.
    pub why: Vec<String>,
    /// Where to look. Where it is none and the notifier knows the dashboard, it is the run's page there.
    pub link: Option<Url>,
}

impl News {
    /// The page of a run on the dashboard at `base`, or the pipeline's where there is no run.
    pub fn page(base: &Url, pipeline: &str, run: Option<&str>) -> Option<Url> {
        let mut url = base.clone();
        {
            let mut path = url.path_segments_mut().ok()?;
            path.pop_if_empty();
            match run {
                Some(run) => path.extend(["runs", pipeline, run]),
                None => path.extend(["pipelines", pipeline]),
            };
        }
        Some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_lies_below_the_dashboard_wherever_that_is() {
        let page = |base: &str, run| News::page(&base.parse().unwrap(), "shop", run).unwrap().to_string();
        assert_eq!(page("https://etl.example.com", Some("r1")), "https://etl.example.com/runs/shop/r1");
        assert_eq!(page("https://example.com/etl/", Some("r1")), "https://example.com/etl/runs/shop/r1");
        assert_eq!(page("https://example.com/etl", None), "https://example.com/etl/pipelines/shop");
    }
}
