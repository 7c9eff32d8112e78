//! Mail over SMTP: TLS from the first byte, STARTTLS that is insisted on, or in the clear where the pipeline says so.

use std::{error::Error, path::Path, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Letter, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use url::Url;

use super::{Refusal, chain, is_distrust, redactor, resolve};
use crate::{config::Alert, egress::http::redact::Redactor, notify::message::Message};

/// The usual ports: TLS from the first byte, submission with STARTTLS, in the clear.
const SMTPS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;
const PLAIN_PORT: u16 = 25;

/// How a certificate begins in PEM.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How long one answer of the server may take.
const ANSWER: Duration = Duration::from_secs(15);

/// How long a whole conversation may take. RFC 5321 would wait for minutes at each step; a run waits for its messages.
const CONVERSATION: Duration = Duration::from_secs(45);

/// A way to send mail.
pub(in crate::notify) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    redactor: Redactor,
}

impl Mail {
    pub(super) fn open(alert: &Alert, root: &Path) -> Result<Self, Refusal> {
        let server = alert.smtp.as_deref().and_then(|text| Url::parse(text).ok());
        let server = server.ok_or_else(|| never("its `smtp` is no mail server"))?;
        let host = server.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let (tls, usual) = match (server.scheme(), alert.plain) {
            ("smtps", _) => (Tls::Wrapper(trust(&host, alert, root)?), SMTPS_PORT),
            (_, false) => (Tls::Required(trust(&host, alert, root)?), SUBMISSION_PORT),
            (_, true) => (Tls::None, PLAIN_PORT),
        };
        let user = resolve(alert.user.as_ref(), "user", root)?;
        let password = resolve(alert.password.as_ref(), "password", root)?;
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(server.port().unwrap_or(usual))
            .tls(tls)
            .timeout(Some(ANSWER));
        if let (Some(user), Some(password)) = (&user, &password) {
            transport = transport.credentials(Credentials::new(user.expose().to_owned(), password.expose().to_owned()));
        }
        let address = |text: &String| text.parse::<Mailbox>().map_err(|error| never(&format!("`{text}` is no mail address: {error}")));
        Ok(Self {
            transport: transport.build(),
            from: address(alert.from.as_ref().unwrap_or(&String::new()))?,
            to: alert.to.iter().map(address).collect::<Result<_, _>>()?,
            redactor: redactor(&[password.as_ref()]),
        })
    }

    pub(super) async fn send(&self, message: &Message<'_>) -> Result<(), Refusal> {
        let letter = self.letter(message).map_err(|error| Refusal::Never { why: chain(&error, &self.redactor) })?;
        match tokio::time::timeout(CONVERSATION, self.transport.send(letter)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let why = chain(&error, &self.redactor);
                match is_final(&error) {
                    true => Err(Refusal::Never { why }),
                    false => Err(Refusal::Later { why, wait: None }),
                }
            }
            Err(_) => Err(Refusal::Later { why: format!("the mail server took longer than {} s", CONVERSATION.as_secs()), wait: None }),
        }
    }

    fn letter(&self, message: &Message<'_>) -> Result<Letter, lettre::error::Error> {
        // One name for all tries: a server that took a letter and lost the line gets it again, and mail programs show it once.
        let id = format!("<{}@{}>", message.id(), self.from.email.domain());
        let letter = Letter::builder()
            .from(self.from.clone())
            .subject(message.subject.clone())
            .date(message.news.at.into())
            .message_id(Some(id))
            // RFC 3834: no one's holiday notice answers it.
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        let letter = self.to.iter().fold(letter, |letter, to| letter.to(to.clone()));
        letter.body(message.text.clone())
    }
}

/// Which authorities are trusted for the mail server at `host`.
fn trust(host: &str, alert: &Alert, root: &Path) -> Result<TlsParameters, Refusal> {
    let mut trusted = TlsParameters::builder(host.to_owned());
    if let Some(path) = &alert.ca {
        let wrong = |why: String| never(&format!("its `ca`, the file `{}`, {why}", path.display()));
        let pem = std::fs::read(root.join(path)).map_err(|error| wrong(format!("can't be read: {error}")))?;
        // What has no certificate at all is taken by the parser, and would be trusted as nobody.
        let certificate = Certificate::from_pem(&pem).ok().filter(|_| pem.windows(BEGIN.len()).any(|found| found == BEGIN));
        trusted = trusted.add_root_certificate(certificate.ok_or_else(|| wrong("holds no certificate in PEM".to_owned()))?);
    }
    trusted.build().map_err(|error| never(&format!("TLS can't be set up: {}", crate::error::chain(&error))))
}

/// Whether trying again is of no use: the server said so, or its certificate is not trusted.
fn is_final(error: &lettre::transport::smtp::Error) -> bool {
    error.is_permanent() || error.is_client() || error.is_tls() || is_distrust(error)
}

fn never(why: &str) -> Refusal {
    Refusal::Never { why: why.to_owned() }
}

/// `Auto-Submitted: auto-generated`.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{News, message::tests::news};

    fn alert(more: &str) -> Alert {
        let text = "kind = \"email\"\nfrom = \"tidegate <etl@example.com>\"\nto = [\"a@example.com\", \"Ops <ops@example.com>\"]\n";
        toml::from_str(&format!("{text}{more}")).unwrap()
    }

    #[tokio::test]
    async fn a_letter_has_its_headers_and_nothing_slips_into_them() {
        let alert = alert("smtp = \"smtp://127.0.0.1\"\nplain = true");
        let mail = Mail::open(&alert, Path::new(".")).unwrap_or_else(|_| panic!("it opens"));
        let news = News { what: "failed\r\nBcc: all@example.com".into(), why: vec!["ação".into()], ..news() };
        let letter = mail.letter(&Message::new("ops", &alert, &news, 0, "")).unwrap().formatted();
        let letter = String::from_utf8(letter).unwrap();
        let (head, _) = letter.split_once("\r\n\r\n").unwrap();
        for wanted in ["From: tidegate <etl@example.com>", "To: a@example.com, Ops <ops@example.com>", "Auto-Submitted: auto-generated"] {
            assert!(head.contains(wanted), "{head}");
        }
        assert!(head.contains("Message-ID: <msg_") && head.contains("@example.com>"), "{head}");
        assert!(head.contains("Date: Fri, 27 Nov 2026 03:30:00 +0000"), "{head}");
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    }

    #[test]
    fn an_authority_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), "nothing").unwrap();
        let open = |ca: &str| match Mail::open(&alert(&format!("smtp = \"smtps://mail.example.com\"\nca = \"{ca}\"")), folder.path()) {
            Err(Refusal::Never { why }) => why,
            _ => panic!("it was taken"),
        };
        assert_eq!(open("ca.pem"), "its `ca`, the file `ca.pem`, holds no certificate in PEM");
        assert!(open("none.pem").starts_with("its `ca`, the file `none.pem`, can't be read"));
    }
}
