//! What must hold for requests over HTTP: grants that can be read, credentials that are complete and lead nowhere in the clear.

use url::{Host, Url};

use super::{Check, Part, suggest};
use crate::config::{Credential, CredentialKind, HttpGrant, Patience, SecretFrom, UrlPattern, pipeline::Source};

/// Headers that a credential can't be sent in: they steer the connection or are another kind's.
const NO_CREDENTIAL: &[&str] = &["authorization", "host", "connection", "content-length", "transfer-encoding", "cookie", "accept-encoding"];

impl Check<'_> {
    /// What a source may send, with what, and how patiently.
    pub(super) fn egress(&mut self, source: &str, given: &Source) {
        for (name, grant) in &given.grants.http {
            self.name(&["sources", source, "grants", "http", name], Part::Key, name, super::Alphabet::Plain);
            self.grant(&["sources", source, "grants", "http", name], grant, given);
        }
        for (name, credential) in &given.credentials {
            let place = ["sources", source, "credentials", name];
            self.name(&place, Part::Key, name, super::Alphabet::Plain);
            self.credential(&place, credential);
            if !given.grants.http.values().any(|grant| grant.credentials.contains(name)) {
                let problem = self.at(&place, Part::Key, format!("the credential `{name}` may be sent nowhere"));
                let help = format!("add `credentials = [\"{name}\"]` to a grant, or leave it out");
                self.problems.push(problem.label("no grant names it").with_help(help));
            }
        }
        self.patience(&["sources", source, "patience"], &given.patience);
    }

    fn grant(&mut self, place: &[&str], grant: &HttpGrant, source: &Source) {
        if let Err(error) = UrlPattern::parse(&grant.url) {
            let problem = self.at(&[place, &["url"]].concat(), Part::Value, format!("`{}` can't be granted", grant.url));
            self.problems.push(problem.label("not a grant's URL").with_help(error.to_string()));
        }
        if grant.methods.is_empty() {
            let problem = self.at(&[place, &["methods"]].concat(), Part::Value, "a grant without a method grants nothing");
            self.problems.push(problem.label("empty").with_help("leave it out for `get` and `head`".to_owned()));
        }
        for (index, name) in grant.credentials.iter().enumerate().filter(|(_, name)| !source.credentials.contains_key(*name)) {
            let index = index.to_string();
            let path = [place, &["credentials", &index]].concat();
            let problem = self.at(&path, Part::Value, format!("there is no credential `{name}`"));
            let known = source.credentials.keys().map(String::as_str);
            let help = suggest(name, known, "credentials of this source").unwrap_or_else(|| {
                format!("add a table `[{}.credentials.{name}]`", place.iter().take(2).copied().collect::<Vec<_>>().join("."))
            });
            self.problems.push(problem.label("not a credential").with_help(help));
        }
    }

    fn credential(&mut self, place: &[&str], credential: &Credential) {
        let kind = credential.kind;
        let needed: &[&str] = match kind {
            CredentialKind::Bearer => &[],
            CredentialKind::Basic => &["user"],
            CredentialKind::Header | CredentialKind::Query => &["name"],
            CredentialKind::Oauth2 => &["token_url", "client_id"],
        };
        let given = [
            ("name", credential.name.is_some()),
            ("user", credential.user.is_some()),
            ("token_url", credential.token_url.is_some()),
            ("client_id", credential.client_id.is_some()),
            ("scope", credential.scope.is_some()),
        ];
        for (key, is_given) in given {
            if needed.contains(&key) && !is_given {
                let problem = self.at(place, Part::Key, format!("a credential of kind `{}` needs a `{key}`", kind.name()));
                self.problems.push(problem.label(format!("`{key}` belongs here")));
            }
            let optional = kind == CredentialKind::Oauth2 && matches!(key, "scope" | "name");
            if is_given && !needed.contains(&key) && !optional {
                let problem =
                    self.at(&[place, &[key]].concat(), Part::Key, format!("a credential of kind `{}` has no `{key}`", kind.name()));
                self.problems.push(problem.label("means nothing here").with_help("leave it out, or write another `kind`".to_owned()));
            }
        }
        self.secret(&[place, &["secret"]].concat(), &credential.secret);
        for (key, from) in [("user", &credential.user), ("client_id", &credential.client_id)] {
            if let Some(from) = from {
                self.secret(&[place, &[key]].concat(), from);
            }
        }
        if let Some(name) = credential.name.as_deref().filter(|_| matches!(kind, CredentialKind::Header | CredentialKind::Oauth2)) {
            self.header(&[place, &["name"]].concat(), name);
        }
        if let Some(url) = &credential.token_url {
            self.token_url(&[place, &["token_url"]].concat(), url);
        }
    }

    pub(super) fn secret(&mut self, place: &[&str], from: &SecretFrom) {
        if from.env.is_some() == from.file.is_some() {
            let problem = self.at(place, Part::Value, "a secret comes from one place");
            let help = "write `{ env = \"NAME\" }` for an environment variable, or `{ file = \"path\" }`".to_owned();
            self.problems.push(problem.label("either `env` or `file`").with_help(help));
        }
    }

    fn header(&mut self, place: &[&str], name: &str) {
        let lower = name.to_ascii_lowercase();
        let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if is_token && !NO_CREDENTIAL.contains(&lower.as_str()) {
            return;
        }
        let problem = self.at(place, Part::Value, format!("a credential can't be sent in the header `{name}`"));
        let help = (lower == "authorization").then(|| "write `kind = \"bearer\"` or `kind = \"basic\"`".to_owned());
        self.problems.push(problem.label("not a header for credentials").with_help(help));
    }

    fn token_url(&mut self, place: &[&str], text: &str) {
        let message = match Url::parse(text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => "a URL with a user or password shows a secret",
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => return,
            Ok(_) => "a secret is sent over https only, or to this very machine",
            Err(_) => "this is no URL",
        };
        let problem = self.at(place, Part::Value, message);
        self.problems.push(problem.label("`https://...`"));
    }

    fn patience(&mut self, place: &[&str], patience: &Patience) {
        let numbers = [
            ("attempts", patience.attempts, 1..=20),
            ("requests_per_minute", patience.requests_per_minute, 1..=1_000_000),
            ("connect_seconds", patience.connect_seconds, 1..=300),
            ("read_seconds", patience.read_seconds, 1..=3600),
            ("total_seconds", patience.total_seconds, 1..=86_400),
            ("max_response_mib", patience.max_response_mib, 1..=1_048_576),
            ("max_requests", patience.max_requests, 1..=16_000_000),
            ("breaker_failures", patience.breaker_failures, 1..=1000),
            ("breaker_seconds", patience.breaker_seconds, 1..=3600),
            ("longest_wait_seconds", patience.longest_wait_seconds, 1..=86_400),
        ];
        for (key, number, range) in numbers {
            self.within(&[place, &[key]].concat(), number, range);
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
