//! Messages about alerts.

use super::*;

const OPS: &str = "\n[alerts.ops]\nkind = \"slack\"\nurl = { env = \"SLACK_URL\" }\n";
const MAIL: &str =
    "\n[alerts.mail]\nkind = \"email\"\nsmtp = \"smtp://mail.example.com\"\nfrom = \"etl@example.com\"\nto = [\"a@example.com\"]\n";

/// The message for an alert with `from` replaced by `to`; what it must say.
fn says(alert: &str, from: &str, to: &str, wanted: &[&str]) {
    assert!(alert.contains(from), "the alert has no {from:?}");
    read(&format!("{START}{alert}")).expect("it is right");
    let said = rendered(&read(&format!("{START}{}", alert.replace(from, to))).expect_err("the change is wrong on purpose"));
    for words in wanted {
        assert!(said.contains(words), "it does not say {words:?}:\n{said}");
    }
}

#[test]
fn a_secret_that_stands_in_the_file_is_not_shown() {
    let said = told_of("\n[alerts.ops]\nkind = \"slack\"\nurl = \"https://hooks.slack.com/services/T0/B0/hunter2\"\n");
    assert!(said.contains("a secret in a pipeline file shows itself") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_kind_has_its_own_keys() {
    says(OPS, "url = { env = \"SLACK_URL\" }", "", &["an alert of kind `slack` needs `url`", "[alerts.ops]"]);
    says(OPS, "kind = \"slack\"", "kind = \"slack\"\nplain = true", &["an alert of kind `slack` has no `plain`", "means nothing here"]);
    says(MAIL, "to = [\"a@example.com\"]", "", &["an alert of kind `email` needs `to`"]);
    says(OPS, "\"slack\"", "\"slak\"", &["unknown value `slak`", "did you mean `slack`?"]);
}

#[test]
fn news_and_times_are_words_of_ours() {
    let on = |value: &str| format!("kind = \"slack\"\n{value}");
    says(OPS, "kind = \"slack\"", &on("on = [\"failures\"]"), &["unknown value `failures`", "did you mean `failure`?"]);
    says(OPS, "kind = \"slack\"", &on("on = []"), &["a channel for no news is told nothing"]);
    says(OPS, "kind = \"slack\"", &on("every = \"1 hour\""), &["`1 hour` is no length of time", "1h30m"]);
}

#[test]
fn a_template_is_checked_when_the_file_is_read() {
    let own = |text: &str| format!("kind = \"slack\"\n{text}");
    says(
        OPS,
        "kind = \"slack\"",
        &own("text = \"{pipelin} failed\""),
        &["there is no placeholder `{pipelin}`", "did you mean `pipeline`?"],
    );
    says(OPS, "kind = \"slack\"", &own("subject = \"a { b\""), &["a lone `{`: write it twice"]);
    says(OPS, "kind = \"slack\"", &own("subject = \"a\\nb\""), &["a subject is one line"]);
}

#[test]
fn mail_goes_from_an_address_to_addresses_over_a_server() {
    says(MAIL, "etl@example.com", "etl", &["`etl` is no mail address", "name@example.com"]);
    says(MAIL, "\"a@example.com\"", "\"a@example.com\", \"b@\"", &["`b@` is no mail address"]);
    says(MAIL, "smtp://mail.example.com", "mail.example.com", &["this is no mail server", "smtps://mail.example.com"]);
    says(MAIL, "smtp://mail", "smtp://u:hunter2@mail", &["a URL with a user or password shows a secret"]);
    says(MAIL, "kind = \"email\"", "kind = \"email\"\nuser = { env = \"U\" }", &["`user` needs `password`", "half a login"]);
    says(MAIL, "kind = \"email\"", "kind = \"email\"\nca = \"ca.pem\"", &["there is no file `ca.pem`"]);
}

#[test]
fn a_password_stays_on_this_machine_where_nothing_hides_it() {
    let plain = "kind = \"email\"\nplain = true\nuser = { env = \"U\" }\npassword = { env = \"P\" }";
    says(MAIL, "kind = \"email\"", plain, &["a password is sent in the clear to this very machine only"]);
    let here = MAIL.replace("kind = \"email\"", plain).replace("mail.example.com", "127.0.0.1:2525");
    read(&format!("{START}{here}")).expect("loopback is this machine");
    says(MAIL, "smtp = \"smtp://", "plain = true\nsmtp = \"smtps://", &["`smtps://` is never plain"]);
}
