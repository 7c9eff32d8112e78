//! Which requests a pipeline grants. Nothing is granted that is not written down, and every refusal says what would have to be.

use std::fmt::Write;

use url::Host;

use super::{
    Method,
    target::{Target, decoded, lossy},
};
use crate::config::{HostPattern, HttpGrant, UrlPattern, UrlPatternError};

/// A grant.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What people call it.
    pub name: String,
    /// Whether the host may have a private address.
    pub private: bool,
    pattern: UrlPattern,
    methods: Vec<Method>,
    credentials: Vec<String>,
}

impl Grant {
    fn new(name: &str, grant: &HttpGrant) -> Result<Self, UrlPatternError> {
        let mut pattern = UrlPattern::parse(&grant.url)?;
        pattern.path = pattern.path.iter().map(|segment| lossy(&decoded(segment.as_bytes()))).collect();
        Ok(Self {
            name: name.to_owned(),
            private: grant.private,
            pattern,
            methods: grant.methods.clone(),
            credentials: grant.credentials.clone(),
        })
    }

    fn covers(&self, target: &Target) -> bool {
        let (pattern, url) = (&self.pattern, target.url());
        pattern.scheme == url.scheme()
            && Some(pattern.port) == url.port_or_known_default()
            && url.host().is_some_and(|host| host_fits(&pattern.host, &host))
            && target.readings().iter().all(|path| path_fits(&pattern.path, path))
    }

    /// Whether a credential may go where this grant leads.
    pub fn takes(&self, credential: &str) -> bool {
        self.credentials.iter().any(|name| name == credential)
    }
}

fn host_fits(pattern: &HostPattern, host: &Host<&str>) -> bool {
    match (pattern, host) {
        (HostPattern::Exact(Host::Domain(wanted)), Host::Domain(name)) => wanted == name,
        (HostPattern::Exact(Host::Ipv4(wanted)), Host::Ipv4(address)) => wanted == address,
        (HostPattern::Exact(Host::Ipv6(wanted)), Host::Ipv6(address)) => wanted == address,
        (HostPattern::Below(suffix), Host::Domain(name)) => {
            name.strip_suffix(suffix.as_str()).and_then(|rest| rest.strip_suffix('.')).is_some_and(|label| !label.is_empty())
        }
        _ => false,
    }
}

fn path_fits(pattern: &[String], path: &[String]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        // At the end it stands for what is below, so that `/orders/**` is not `/orders`.
        Some((first, [])) if first == "**" => !path.is_empty(),
        Some((first, rest)) if first == "**" => (0..=path.len()).any(|skipped| path_fits(rest, &path[skipped..])),
        Some((first, rest)) => path.split_first().is_some_and(|(segment, path)| segment_fits(first, segment) && path_fits(rest, path)),
    }
}

fn segment_fits(pattern: &str, segment: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = segment.strip_prefix(first) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    if segment.is_empty() || segment.contains(['/', '\\']) {
        return false;
    }
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A request that is not granted, and the lines of TOML that would grant it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; to grant it, write in the pipeline:\n{toml}")]
pub struct NotGranted {
    /// What was asked for, and what is missing.
    pub what: String,
    /// What to write.
    pub toml: String,
}

/// The grants of a source.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    source: String,
    grants: Vec<Grant>,
}

impl Grants {
    /// The grants that a pipeline gives `source`.
    pub fn new<'a>(source: &str, grants: impl IntoIterator<Item = (&'a String, &'a HttpGrant)>) -> Result<Self, UrlPatternError> {
        let grants = grants.into_iter().map(|(name, grant)| Grant::new(name, grant)).collect::<Result<_, _>>()?;
        Ok(Self { source: source.to_owned(), grants })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Whether a grant that takes `credential` allows private addresses.
    pub fn private_for(&self, credential: &str) -> bool {
        self.grants.iter().any(|grant| grant.private && grant.takes(credential))
    }

    /// The grant under which a request may be sent, with the credential where one is named.
    pub fn admit(&self, method: Method, target: &Target, credential: Option<&str>) -> Result<&Grant, NotGranted> {
        let covering: Vec<_> = self.grants.iter().filter(|grant| grant.covers(target)).collect();
        let allowing: Vec<_> = covering.iter().copied().filter(|grant| grant.methods.contains(&method)).collect();
        let fits = |grant: &&Grant| credential.is_none_or(|credential| grant.takes(credential));
        let fitting: Vec<_> = allowing.iter().copied().filter(fits).collect();
        // Of several, the one that reaches further, since each of them would do.
        if let Some(grant) = fitting.iter().copied().find(|grant| grant.private).or(fitting.first().copied()) {
            return Ok(grant);
        }
        Err(match (covering.first(), allowing.first(), credential) {
            (_, Some(grant), Some(credential)) => self.without_credential(grant, target, credential),
            (Some(grant), None, _) => self.without_method(grant, method, target),
            _ => self.without_grant(method, target, credential),
        })
    }

    fn header(&self, grant: &str) -> String {
        format!("[sources.{}.grants.http.{grant}]", self.source)
    }

    fn without_grant(&self, method: Method, target: &Target, credential: Option<&str>) -> NotGranted {
        let place = target.place();
        let host = target.url().host_str().unwrap_or_default();
        let mut name: String = host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            name.insert_str(0, "at_");
        }
        while self.grants.iter().any(|grant| grant.name == name) {
            name.push_str("_2");
        }
        let mut toml = format!("{}\nurl = {}", self.header(&name), quoted(&place));
        if !matches!(method, Method::Get | Method::Head) {
            let _ = write!(toml, "\nmethods = [\"{}\"]", method.name());
        }
        if let Some(credential) = credential {
            let _ = write!(toml, "\ncredentials = [{}]", quoted(credential));
        }
        NotGranted { what: format!("`{} {place}` is not granted", method.name()), toml }
    }

    fn without_method(&self, grant: &Grant, method: Method, target: &Target) -> NotGranted {
        let methods = grant.methods.iter().chain([&method]).map(|method| format!("\"{}\"", method.name())).collect::<Vec<_>>().join(", ");
        let what = format!("`{} {}` is not granted: `{}` grants other methods", method.name(), target.place(), grant.name);
        NotGranted { what, toml: format!("{}\nmethods = [{methods}]", self.header(&grant.name)) }
    }

    fn without_credential(&self, grant: &Grant, target: &Target, credential: &str) -> NotGranted {
        let names = grant.credentials.iter().map(String::as_str).chain([credential]).map(quoted).collect::<Vec<_>>().join(", ");
        let what = format!("the credential `{credential}` is not granted for `{}`", target.place());
        NotGranted { what, toml: format!("{}\ncredentials = [{names}]", self.header(&grant.name)) }
    }

    /// What to write so that `grant` may reach a private address.
    pub fn private_line(&self, grant: &Grant) -> String {
        format!("{}\nprivate = true", self.header(&grant.name))
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::http::target::UrlError;

    fn grants(given: &[(&str, &str)]) -> Grants {
        let given: Vec<_> = given
            .iter()
            .map(|(name, url)| {
                let grant = HttpGrant {
                    url: (*url).to_owned(),
                    methods: vec![Method::Get, Method::Head],
                    credentials: vec!["token".to_owned()],
                    private: false,
                };
                ((*name).to_owned(), grant)
            })
            .collect();
        Grants::new("shop", given.iter().map(|(name, grant)| (name, grant))).unwrap()
    }

    fn lets(pattern: &str, url: &str) -> bool {
        Target::parse(url).is_ok_and(|target| grants(&[("api", pattern)]).admit(Method::Get, &target, None).is_ok())
    }

    #[test]
    fn a_path_is_granted_by_segment() {
        let pattern = "https://a.example/admin/*/orders/**";
        for path in ["/admin/v1/orders/", "/admin/v1/orders/1", "/admin/v1/orders/1/lines", "/admin/v1/x/../orders/1"] {
            assert!(lets(pattern, &format!("https://a.example{path}")), "{path}");
        }
        for path in ["", "/", "/admin/v1/orders", "/admin//orders/1", "/admin/v1/v2/orders/1", "/Admin/v1/orders/1", "/x/admin/v1/orders/1"]
        {
            assert!(!lets(pattern, &format!("https://a.example{path}")), "{path}");
        }
        assert!(lets("https://a.example/o*s.json", "https://a.example/orders.json?x=/../y"));
        assert!(!lets("https://a.example/o*s.json", "https://a.example/orders.xml"));
        assert!(lets("https://a.example/**/end", "https://a.example/end") && lets("https://a.example/**/end", "https://a.example/a/b/end"));
        assert!(lets("https://a.example/", "https://a.example") && !lets("https://a.example/", "https://a.example/x"));
        assert!(lets("https://a.example/caf%C3%A9/**", "https://a.example/café/1"));
    }

    #[test]
    fn no_spelling_of_a_path_slips_past() {
        let pattern = "https://a.example/public/**";
        for path in [
            "/public/../secret",
            "/public/%2e%2e/secret",
            "/public/.%2E/secret",
            "/public/..%2fsecret",
            "/public/%2e%2e%2fsecret",
            "/public/..%5csecret",
            "/public\\..\\secret",
            "/public/%252e%252e%252fsecret",
            "/public/..%25252fsecret",
            "/public/..;/secret",
            "/public/;x/..;y/secret",
            "/public/%00",
            "/public/a%0d%0aHost:%20b",
            "/public/x?_method=DELETE",
            "//a.example/public/x",
        ] {
            assert!(!lets(pattern, &format!("https://a.example{path}")), "{path}");
        }
        assert!(lets(pattern, "https://a.example/public/100%25") && lets(pattern, "https://a.example/public/a%2Fb"));
    }

    #[test]
    fn no_spelling_of_a_host_slips_past() {
        let pattern = "https://a.example/**";
        for url in [
            "https://a.example.evil.net/x",
            "https://evil.net/a.example/",
            "https://a.example@evil.net/",
            "https://evil.net\\@a.example/",
            "https://user@a.example/",
            "https://:p@a.example/",
            "https://a.example:8443/",
            "http://a.example/",
            "https://b.a.example/",
            "https://a.example./",
            "https://xa.example/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https:///x",
        ] {
            assert!(!lets(pattern, url), "{url}");
        }
        for url in ["https://A.EXAMPLE/x", "https://a.example:443/x", "https:a.example/x", "https://a.%65xample/x", "https://a.example/#f"]
        {
            assert!(lets(pattern, url), "{url}");
        }
        assert!(lets("https://*.a.example/**", "https://x.y.a.example/"));
        for host in ["a.example", "xa.example", ".a.example"] {
            assert!(!lets("https://*.a.example/**", &format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn an_address_has_one_spelling() {
        let pattern = "http://127.0.0.1:8080/**";
        for host in ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1."] {
            assert!(lets(pattern, &format!("http://{host}:8080/x")), "{host}");
        }
        for host in ["[::ffff:127.0.0.1]", "localhost", "127.0.0.2"] {
            assert!(!lets(pattern, &format!("http://{host}:8080/x")), "{host}");
        }
        assert!(lets("http://[::1]/**", "http://[0:0:0:0:0:0:0:1]/x"));
        assert!(matches!(Target::parse("http://[fe80::1%25eth0]/"), Err(UrlError::Parse(_))), "a zone belongs to one machine");
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        let grants = grants(&[("api", "https://a.example/**")]);
        let told =
            |method, url: &str, credential| grants.admit(method, &Target::parse(url).unwrap(), credential).expect_err(url).to_string();
        assert_eq!(
            told(Method::Post, "https://b.example:8443/x?page=2", Some("token")),
            "`post https://b.example:8443/x` is not granted; to grant it, write in the pipeline:\n\
             [sources.shop.grants.http.b_example]\nurl = \"https://b.example:8443/x\"\nmethods = [\"post\"]\ncredentials = [\"token\"]"
        );
        assert_eq!(
            told(Method::Post, "https://a.example/x", None),
            "`post https://a.example/x` is not granted: `api` grants other methods; to grant it, write in the pipeline:\n\
             [sources.shop.grants.http.api]\nmethods = [\"get\", \"head\", \"post\"]"
        );
        assert_eq!(
            told(Method::Get, "https://a.example/x", Some("other")),
            "the credential `other` is not granted for `https://a.example/x`; to grant it, write in the pipeline:\n\
             [sources.shop.grants.http.api]\ncredentials = [\"token\", \"other\"]"
        );
    }

    #[test]
    fn what_is_to_be_written_grants_it() {
        let told = grants(&[]).admit(Method::Get, &Target::parse("https://b.example/a b?x=1").unwrap(), None).unwrap_err();
        let table: toml::Table = told.toml.parse().unwrap();
        let url = table["sources"]["shop"]["grants"]["http"]["b_example"]["url"].as_str().unwrap().to_owned();
        assert!(lets(&url, "https://b.example/a b?x=1"), "{url}");
    }
}
