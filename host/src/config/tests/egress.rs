//! Messages about grants for requests, credentials and patience.

use insta::assert_snapshot;

use super::*;

/// A source with a grant and a credential that are right, with `from` replaced by `to`.
fn told_of_shop(from: &str, to: &str) -> String {
    const SHOP: &str = r#"
[sources.shop]
plugin = "source-shop"

[sources.shop.grants.http.api]
url = "https://a.example/**"
credentials = ["token"]

[sources.shop.credentials.token]
kind = "bearer"
secret = { env = "SHOP_TOKEN" }

[streams.shops]
source = "shop"
"#;
    assert!(SHOP.contains(from), "SHOP has no {from:?}");
    let start = START.replace("[streams.orders]", "[streams.orders]\nsource = \"files\"");
    let start = start.replace("[streams.customers]", "[streams.customers]\nsource = \"files\"");
    read(&format!("{start}{SHOP}")).expect("it is right");
    rendered(&read(&format!("{start}{}", SHOP.replace(from, to))).expect_err("the change is wrong on purpose"))
}

#[test]
fn a_url_that_grants_nothing_says_why() {
    assert_snapshot!(told_of_shop("https://a.example/**", "https://a.example"), @r#"
     × `https://a.example` can't be granted
       ╭─[pipeline.toml:28:7]
    27 │ [sources.shop.grants.http.api]
    28 │ url = "https://a.example"
       ·       ─────────┬─────────
       ·                ╰── not a grant's URL
    29 │ credentials = ["token"]
       ╰────
     help: a grant says which paths: `/**` stands for all
    "#);
}

#[test]
fn a_credential_that_is_not_there_has_a_near_miss() {
    assert_snapshot!(told_of_shop("[\"token\"]", "[\"tokens\"]"), @r#"
      × there is no credential `tokens`
        ╭─[pipeline.toml:29:16]
     28 │ url = "https://a.example/**"
     29 │ credentials = ["tokens"]
        ·                ────┬───
        ·                    ╰── not a credential
     30 │
        ╰────
      help: did you mean `token`?

    Error:
      × the credential `token` may be sent nowhere
        ╭─[pipeline.toml:31:27]
     30 │
     31 │ [sources.shop.credentials.token]
        ·                           ──┬──
        ·                             ╰── no grant names it
     32 │ kind = "bearer"
        ╰────
      help: add `credentials = ["token"]` to a grant, or leave it out
    "#);
}

#[test]
fn a_secret_in_the_file_is_not_shown() {
    assert_snapshot!(told_of_shop("{ env = \"SHOP_TOKEN\" }", "\"sesame-open\""), @r#"
     × a secret in a pipeline file shows itself to everyone who reads it
       ╭─[pipeline.toml:33:1]
    32 │ kind = "bearer"
    33 │ secret = *************
       · ───┬──
       ·    ╰── the secret itself stands here
    34 │
       ╰────
     help: put it into an environment variable and write `{ env = "NAME" }`, or into a file: `{ file
           = "path" }`
    "#);
}

#[test]
fn a_key_of_another_kind_means_nothing() {
    assert_snapshot!(told_of_shop("kind = \"bearer\"", "kind = \"header\"\nuser = { env = \"A\", file = \"b\" }"), @r#"
      × a credential of kind `header` needs a `name`
        ╭─[pipeline.toml:31:27]
     30 │
     31 │ [sources.shop.credentials.token]
        ·                           ──┬──
        ·                             ╰── `name` belongs here
     32 │ kind = "header"
        ╰────

    Error:
      × a credential of kind `header` has no `user`
        ╭─[pipeline.toml:33:1]
     32 │ kind = "header"
     33 │ user = { env = "A", file = "b" }
        · ──┬─
        ·   ╰── means nothing here
     34 │ secret = { env = "SHOP_TOKEN" }
        ╰────
      help: leave it out, or write another `kind`

    Error:
      × a secret comes from one place
        ╭─[pipeline.toml:33:8]
     32 │ kind = "header"
     33 │ user = { env = "A", file = "b" }
        ·        ────────────┬────────────
        ·                    ╰── either `env` or `file`
     34 │ secret = { env = "SHOP_TOKEN" }
        ╰────
      help: write `{ env = "NAME" }` for an environment variable, or `{ file = "path" }`
    "#);
}

#[test]
fn a_token_is_not_fetched_in_the_clear() {
    let oauth = "kind = \"oauth2\"\nclient_id = { env = \"ID\" }\ntoken_url = \"http://a.example/token\"";
    assert_snapshot!(told_of_shop("kind = \"bearer\"", oauth), @r#"
     × a secret is sent over https only, or to this very machine
       ╭─[pipeline.toml:34:13]
    33 │ client_id = { env = "ID" }
    34 │ token_url = "http://a.example/token"
       ·             ────────────┬───────────
       ·                         ╰── `https://...`
    35 │ secret = { env = "SHOP_TOKEN" }
       ╰────
    "#);
}

#[test]
fn patience_has_bounds() {
    assert_snapshot!(told_of_shop("[streams.shops]", "[sources.shop.patience]\nattempts = 0\n\n[streams.shops]"), @r#"
     × `attempts` is 0, but goes from 1 to 20
       ╭─[pipeline.toml:36:12]
    35 │ [sources.shop.patience]
    36 │ attempts = 0
       ·            ┬
       ·            ╰── from 1 to 20
    37 │
       ╰────
    "#);
}
