//! Where a redirect leads, by RFC 9110, 15.4. Whether it may be followed is for the grants to say.

use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};
use url::Url;

use super::Method;

/// The most redirects of one request.
pub(super) const MOST: usize = 5;

/// The next step of a request that is sent on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub method: Method,
    pub url: Url,
    pub keeps_body: bool,
}

/// The next step, where an answer is a redirect that says where to.
pub(super) fn step(method: Method, from: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Step> {
    let (method, keeps_body) = match (status, method) {
        (StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT, method) => (method, true),
        (StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER, Method::Head) => (Method::Head, false),
        (StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER, _) => (Method::Get, false),
        _ => return None,
    };
    let url = from.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    Some(Step { method, url, keeps_body })
}

/// Whether two URLs share scheme, host and port: a credential goes no further.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme() && one.host() == other.host() && one.port_or_known_default() == other.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn to(method: Method, status: u16, location: &'static str) -> Option<(Method, String, bool)> {
        let from = Url::parse("https://a.example/x/y?q=1").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static(location));
        let step = step(method, &from, StatusCode::from_u16(status).unwrap(), &headers)?;
        Some((step.method, step.url.into(), step.keeps_body))
    }

    #[test]
    fn a_post_stays_a_post_only_where_the_status_says_so() {
        let there = || "https://a.example/z".to_owned();
        for status in [301, 302, 303] {
            assert_eq!(to(Method::Post, status, "/z"), Some((Method::Get, there(), false)), "{status}");
            assert_eq!(to(Method::Head, status, "/z"), Some((Method::Head, there(), false)), "{status}");
        }
        for status in [307, 308] {
            assert_eq!(to(Method::Post, status, "/z"), Some((Method::Post, there(), true)), "{status}");
        }
        for status in [200, 300, 304] {
            assert_eq!(to(Method::Get, status, "/z"), None, "{status}");
        }
    }

    #[test]
    fn a_location_is_relative_to_where_it_came_from() {
        let url = |location| to(Method::Get, 302, location).map(|(_, url, _)| url);
        assert_eq!(url("z"), Some("https://a.example/x/z".into()));
        assert_eq!(url("?r=2"), Some("https://a.example/x/y?r=2".into()));
        assert_eq!(url("//b.example/"), Some("https://b.example/".into()));
        assert_eq!(url("http://[broken"), None);
    }

    #[test]
    fn another_scheme_host_or_port_is_another_place() {
        let same = |one: &str, other: &str| same_origin(&Url::parse(one).unwrap(), &Url::parse(other).unwrap());
        assert!(same("https://a.example/x", "https://A.example:443/y"));
        assert!(!same("https://a.example/", "http://a.example/"));
        assert!(!same("https://a.example/", "https://b.a.example/"));
        assert!(!same("https://a.example/", "https://a.example:8443/"));
    }
}
