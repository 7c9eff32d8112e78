//! The URL of a grant: which scheme, hosts, port and paths it stands for.

use std::fmt;

use url::{Host, Url};

/// What a grant's `url` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern {
    /// `https` or `http`.
    pub scheme: String,
    /// The hosts.
    pub host: HostPattern,
    /// The port, the scheme's own where none is written.
    pub port: u16,
    /// The segments of the path, normalised as a URL's are.
    pub path: Vec<String>,
}

/// The hosts that a grant stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// This one.
    Exact(Host<String>),
    /// Any whose name ends in a dot and this name.
    Below(String),
}

/// Why a text is no URL of a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlPatternError {
    /// It does not begin with a scheme that can be granted.
    #[error("a grant's URL begins with `https://` or `http://`")]
    Scheme,
    /// It can't be parsed.
    #[error("this is no URL: {0}")]
    Url(url::ParseError),
    /// It has a user or a password.
    #[error("a URL with a user or password can't be granted; name a credential instead")]
    Userinfo,
    /// It has a query or a fragment.
    #[error("a grant speaks of paths; leave out what follows `?` or `#`")]
    Query,
    /// It does not say which paths.
    #[error("a grant says which paths: `/**` stands for all")]
    Path,
    /// A star stands where none can.
    #[error("`*` can be a host's first label only, before a name with a dot in it: `*.example.com`")]
    Host,
    /// `**` is not a whole segment.
    #[error("`**` stands for whole segments: `/orders/**`, not `/orders**`")]
    Stars,
}

impl UrlPattern {
    /// Reads the URL of a grant.
    pub fn parse(text: &str) -> Result<Self, UrlPatternError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(UrlPatternError::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "https" && scheme != "http" {
            return Err(UrlPatternError::Scheme);
        }
        if rest.contains(['?', '#']) {
            return Err(UrlPatternError::Query);
        }
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (authority, path) = rest.split_once('/').ok_or(UrlPatternError::Path)?;
        // A parser would take the first segment of the path for the host, or a backslash for a slash.
        if authority.is_empty() {
            return Err(UrlPatternError::Url(url::ParseError::EmptyHost));
        }
        if authority.contains(['*', '\\']) {
            return Err(UrlPatternError::Host);
        }
        if path.split('/').any(|segment| segment.contains("**") && segment != "**") {
            return Err(UrlPatternError::Stars);
        }
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(UrlPatternError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlPatternError::Userinfo);
        }
        let host = match (url.host().map(|host| host.to_owned()), below) {
            (Some(Host::Domain(name)), true) if name.contains('.') => HostPattern::Below(name),
            (_, true) => return Err(UrlPatternError::Host),
            (Some(host), false) => HostPattern::Exact(host),
            (None, false) => return Err(UrlPatternError::Url(url::ParseError::EmptyHost)),
        };
        let port = url.port_or_known_default().ok_or(UrlPatternError::Scheme)?;
        let path = url.path_segments().map(|segments| segments.map(str::to_owned).collect()).unwrap_or_default();
        Ok(Self { scheme, host, port, path })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => write!(f, "{host}"),
            Self::Below(name) => write!(f, "*.{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> UrlPatternError {
        UrlPattern::parse(text).expect_err(text)
    }

    #[test]
    fn a_grant_is_normalised_like_a_url() {
        let pattern = UrlPattern::parse("HTTPS://Demo.Example.com:443/admin/a b/*/**").unwrap();
        assert_eq!((pattern.scheme.as_str(), pattern.port, pattern.host.to_string().as_str()), ("https", 443, "demo.example.com"));
        assert_eq!(pattern.path, ["admin", "a%20b", "*", "**"]);
        assert_eq!(UrlPattern::parse("https://bücher.example/**").unwrap().host.to_string(), "xn--bcher-kva.example");
        assert_eq!(UrlPattern::parse("http://127.1:8080/").unwrap().host.to_string(), "127.0.0.1");
        assert_eq!(UrlPattern::parse("https://*.example.com/**").unwrap().host, HostPattern::Below("example.com".into()));
    }

    #[test]
    fn what_is_vague_is_refused() {
        assert_eq!(refused("example.com/**"), UrlPatternError::Scheme);
        assert_eq!(refused("ftp://example.com/**"), UrlPatternError::Scheme);
        assert_eq!(refused("https://example.com"), UrlPatternError::Path);
        assert_eq!(refused("https://user:pass@example.com/**"), UrlPatternError::Userinfo);
        assert_eq!(refused("https://example.com/a?b=c"), UrlPatternError::Query);
        for host in ["*", "*.com", "a.*.com", "*a.example.com", "*.127.0.0.1"] {
            assert_eq!(refused(&format!("https://{host}/**")), UrlPatternError::Host, "{host}");
        }
        assert_eq!(refused("https://example.com/a**"), UrlPatternError::Stars);
        assert!(matches!(refused("https:///**"), UrlPatternError::Url(_)));
    }
}
