//! What must hold for alerts: a channel has the keys of its kind, mail goes to addresses, templates can be filled in.

use std::net::IpAddr;

use lettre::message::Mailbox;
use url::Url;

use super::{Alphabet, Check, Part, suggest};
use crate::config::{
    alerts::{Alert, AlertKind},
    template::{self, PLACEHOLDERS, TemplateError},
};

impl Check<'_> {
    /// Who is told what, and how.
    pub(super) fn alerts(&mut self) {
        let pipeline = self.pipeline;
        for (name, alert) in &pipeline.alerts {
            let place = ["alerts", name.as_str()];
            self.name(&place, Part::Key, name, Alphabet::Plain);
            self.alert(&place, alert);
        }
    }

    fn alert(&mut self, place: &[&str], alert: &Alert) {
        self.alert_keys(place, alert);
        for (key, from) in [("url", &alert.url), ("secret", &alert.secret), ("user", &alert.user), ("password", &alert.password)] {
            if let Some(from) = from {
                self.secret(&[place, &[key]].concat(), from);
            }
        }
        if alert.on.is_empty() {
            let problem = self.at(&[place, &["on"]].concat(), Part::Value, "a channel for no news is told nothing");
            self.problems.push(problem.label("empty").with_help("leave it out for all news".to_owned()));
        }
        for (key, text) in [("subject", &alert.subject), ("text", &alert.text)] {
            if let Some(text) = text {
                self.template(&[place, &[key]].concat(), text);
            }
        }
        if alert.subject.as_ref().is_some_and(|subject| subject.contains(['\n', '\r'])) {
            let problem = self.at(&[place, &["subject"]].concat(), Part::Value, "a subject is one line");
            self.problems.push(problem.label("more than one line"));
        }
        if alert.kind == AlertKind::Email {
            self.mail(place, alert);
        }
    }

    /// Which keys a kind must have, and which it has not.
    fn alert_keys(&mut self, place: &[&str], alert: &Alert) {
        let kind = alert.kind;
        let (needed, optional): (&[&str], &[&str]) = match kind {
            AlertKind::Email => (&["smtp", "from", "to"], &["plain", "ca", "user", "password"]),
            AlertKind::Slack | AlertKind::Teams => (&["url"], &[]),
            AlertKind::Webhook => (&["url"], &["secret"]),
        };
        let given = [
            ("url", alert.url.is_some()),
            ("secret", alert.secret.is_some()),
            ("smtp", alert.smtp.is_some()),
            ("plain", alert.plain),
            ("ca", alert.ca.is_some()),
            ("from", alert.from.is_some()),
            ("to", !alert.to.is_empty()),
            ("user", alert.user.is_some()),
            ("password", alert.password.is_some()),
        ];
        for (key, is_given) in given {
            if needed.contains(&key) && !is_given {
                let problem = self.at(place, Part::Key, format!("an alert of kind `{}` needs `{key}`", kind.name()));
                self.problems.push(problem.label(format!("`{key}` belongs here")));
            }
            if is_given && !needed.contains(&key) && !optional.contains(&key) {
                let path = [place, &[key]].concat();
                let problem = self.at(&path, Part::Key, format!("an alert of kind `{}` has no `{key}`", kind.name()));
                self.problems.push(problem.label("means nothing here").with_help("leave it out, or write another `kind`".to_owned()));
            }
        }
    }

    fn mail(&mut self, place: &[&str], alert: &Alert) {
        if let Some(server) = &alert.smtp {
            self.mail_server(place, server, alert);
        }
        if alert.user.is_some() != alert.password.is_some() {
            let (there, missing) = if alert.user.is_some() { ("user", "password") } else { ("password", "user") };
            let problem = self.at(&[place, &[there]].concat(), Part::Key, format!("`{there}` needs `{missing}`"));
            self.problems.push(problem.label("half a login"));
        }
        if let Some(ca) = alert.ca.as_ref().filter(|ca| !self.root.join(ca).is_file()) {
            let problem = self.at(&[place, &["ca"]].concat(), Part::Value, format!("there is no file `{}`", ca.display()));
            self.problems.push(problem.label("not there").with_help("it is looked for beside the pipeline file".to_owned()));
        }
        if let Some(from) = &alert.from {
            self.mailbox(&[place, &["from"]].concat(), from);
        }
        for (index, to) in alert.to.iter().enumerate() {
            self.mailbox(&[place, &["to", &index.to_string()]].concat(), to);
        }
    }

    fn mailbox(&mut self, path: &[&str], text: &str) {
        if let Err(error) = text.parse::<Mailbox>() {
            let problem = self.at(path, Part::Value, format!("`{text}` is no mail address"));
            let help = format!("write `name@example.com` or `A Name <name@example.com>` ({error})");
            self.problems.push(problem.label("not an address").with_help(help));
        }
    }

    fn mail_server(&mut self, place: &[&str], text: &str, alert: &Alert) {
        let path = [place, &["smtp"]].concat();
        let form = "`smtps://mail.example.com` or `smtp://mail.example.com:587`".to_owned();
        let mut refuse = |message: &str, help: String| {
            let problem = self.at(&path, Part::Value, message);
            self.problems.push(problem.label("a mail server").with_help(help));
        };
        let url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some_and(|host| !host.is_empty()) => url,
            _ => return refuse("this is no mail server", form),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("a URL with a user or password shows a secret", "write `user` and `password` as keys of their own".to_owned());
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return refuse("a mail server has a name and a port, and nothing behind them", form);
        }
        if alert.plain && url.scheme() == "smtps" {
            return refuse("`smtps://` is never plain", "write `smtp://`, or leave out `plain`".to_owned());
        }
        if alert.plain && alert.password.is_some() && !is_this_machine(url.host_str().unwrap_or_default()) {
            let help = "leave out `plain`, so that STARTTLS is insisted on, or write `smtps://`".to_owned();
            refuse("a password is sent in the clear to this very machine only", help);
        }
    }

    fn template(&mut self, path: &[&str], text: &str) {
        let Err(error) = template::check(text) else { return };
        let help = match &error {
            TemplateError::Unknown { name, .. } => suggest(name, PLACEHOLDERS.iter().map(|(name, _)| *name), "placeholders"),
            TemplateError::Lone(_) => None,
        };
        let problem = self.at(path, Part::Value, error.to_string());
        self.problems.push(problem.label("this can't be filled in").with_help(help));
    }
}

/// The URL parser takes an address for a name where the scheme is none of the web's.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
