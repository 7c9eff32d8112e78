//! Messages about TOML that cannot be read, keys and types.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_syntax_error_shows_its_place() {
    assert_snapshot!(told("plugin = \"source-files\"", "plugin = source-files"), @r#"
     × string values must be quoted, expected literal string
      ╭─[pipeline.toml:5:10]
    4 │ [sources.files]
    5 │ plugin = source-files
      ·          ──────┬─────
      ·                ╰── here
    6 │
      ╰────
    "#);
}

#[test]
fn an_open_quote_shows_its_place() {
    assert_snapshot!(told("name = \"shop\"", "name = \"shop"), @r#"
     × invalid basic string, expected `"`
      ╭─[pipeline.toml:2:13]
    1 │ version = 1
    2 │ name = "shop
      ·             ▲
      ·             ╰── here
    3 │
      ╰────
    "#);
}

#[test]
fn a_key_given_twice_is_shown() {
    assert_snapshot!(told("key = [\"order_id\"]", "mode = \"append\""), @r#"
     × duplicate key
       ╭─[pipeline.toml:20:1]
    19 │ mode = "merge"
    20 │ mode = "append"
       · ──┬─
       ·   ╰── here
       ╰────
    "#);
}

#[test]
fn an_unknown_key_has_a_near_miss() {
    assert_snapshot!(told("[streams.customers]", "[streams.customers]\ntransform = []"), @r#"
     × unknown key `transform`
       ╭─[pipeline.toml:11:1]
    10 │ [streams.customers]
    11 │ transform = []
       · ────┬────
       ·     ╰── not known here
    12 │
       ╰────
     help: did you mean `transforms`?
    "#);
}

#[test]
fn an_unknown_key_without_a_near_miss_lists_the_known_ones() {
    assert_snapshot!(told("[streams.customers]", "[streams.customers]\ncolour = 1"), @r#"
     × unknown key `colour`
       ╭─[pipeline.toml:11:1]
    10 │ [streams.customers]
    11 │ colour = 1
       · ───┬──
       ·    ╰── not known here
    12 │
       ╰────
     help: known keys: `source`, `stream`, `transforms`, `quality`, `gate`
    "#);
}

#[test]
fn an_unknown_section_has_a_near_miss() {
    assert_snapshot!(told_of("[strorage]\npath = \"x\"\n"), @r#"
     × unknown key `strorage`
       ╭─[pipeline.toml:21:2]
    20 │ key = ["order_id"]
    21 │ [strorage]
       ·  ────┬───
       ·      ╰── not known here
    22 │ path = "x"
       ╰────
     help: did you mean `storage`?
    "#);
}

#[test]
fn an_unknown_key_in_an_inline_table_is_found() {
    assert_snapshot!(told("{ plugin = \"quality-dimensions\" }]\n\n[streams", "{ plugn = \"quality-dimensions\" }]\n\n[streams"), @r#"
     × unknown key `plugn`
      ╭─[pipeline.toml:8:14]
    7 │ [streams.orders]
    8 │ quality = [{ plugn = "quality-dimensions" }]
      ·              ──┬──
      ·                ╰── not known here
    9 │
      ╰────
     help: did you mean `plugin`?
    "#);
}

#[test]
fn a_missing_key_shows_the_table() {
    assert_snapshot!(told("plugin = \"source-files\"\n", ""), @r#"
     × missing key `plugin`
      ╭─[pipeline.toml:4:1]
    3 │
    4 │ [sources.files]
      · ───────┬───────
      ·        ╰── `plugin` belongs here
    5 │
      ╰────
    "#);
}

#[test]
fn a_missing_name_is_said() {
    assert_snapshot!(told("name = \"shop\"\n", ""), @r#"
     × missing key `name`
      ╭─[pipeline.toml:1:1]
    1 │ version = 1
      · ▲
      · ╰── `name` belongs here
    2 │
      ╰────
    "#);
}

#[test]
fn a_wrong_type_says_what_is_expected() {
    assert_snapshot!(told_of("[engine]\npartitions = \"two\"\n"), @r#"
     × expected a whole number from 0, found text "two"
       ╭─[pipeline.toml:22:14]
    21 │ [engine]
    22 │ partitions = "two"
       ·              ──┬──
       ·                ╰── expected a whole number from 0
       ╰────
    "#);
}

#[test]
fn a_negative_number_says_what_is_expected() {
    assert_snapshot!(told_of("[engine]\npartitions = -2\n"), @r#"
     × expected a whole number from 0, found number `-2`
       ╭─[pipeline.toml:22:14]
    21 │ [engine]
    22 │ partitions = -2
       ·              ─┬
       ·               ╰── expected a whole number from 0
       ╰────
    "#);
}

#[test]
fn a_bare_number_for_a_text_may_want_quotes() {
    assert_snapshot!(told("name = \"shop\"", "name = 12"), @r#"
     × expected text, found number `12`
      ╭─[pipeline.toml:2:8]
    1 │ version = 1
    2 │ name = 12
      ·        ─┬
      ·         ╰── expected text
    3 │
      ╰────
     help: put it in quotes: "12"
    "#);
}

#[test]
fn a_text_for_an_array_is_a_wrong_type() {
    assert_snapshot!(told("key = [\"order_id\"]", "key = \"order_id\""), @r#"
     × expected an array, found text "order_id"
       ╭─[pipeline.toml:20:7]
    19 │ mode = "merge"
    20 │ key = "order_id"
       ·       ─────┬────
       ·            ╰── expected an array
       ╰────
    "#);
}

#[test]
fn a_text_for_a_table_is_a_wrong_type() {
    assert_snapshot!(told_of("[marts]\nsales = \"select 1\"\n"), @r#"
     × expected a table, found text "select 1"
       ╭─[pipeline.toml:22:9]
    21 │ [marts]
    22 │ sales = "select 1"
       ·         ─────┬────
       ·              ╰── expected a table
       ╰────
    "#);
}

#[test]
fn an_unknown_mode_has_a_near_miss() {
    assert_snapshot!(told("\"merge\"", "\"mergee\""), @r#"
     × unknown value `mergee`
       ╭─[pipeline.toml:19:8]
    18 │ stream = "orders"
    19 │ mode = "mergee"
       ·        ────┬───
       ·            ╰── not known here
    20 │ key = ["order_id"]
       ╰────
     help: did you mean `merge`?
    "#);
}

#[test]
fn an_unknown_mode_lists_the_modes() {
    assert_snapshot!(told("\"merge\"", "\"upsert\""), @r#"
     × unknown value `upsert`
       ╭─[pipeline.toml:19:8]
    18 │ stream = "orders"
    19 │ mode = "upsert"
       ·        ────┬───
       ·            ╰── not known here
    20 │ key = ["order_id"]
       ╰────
     help: one of: `append`, `replace`, `merge`, `scd2`
    "#);
}

#[test]
fn an_unknown_warehouse_is_shown() {
    assert_snapshot!(told_of("[warehouse]\nkind = \"postgre\"\n"), @r#"
     × unknown value `postgre`
       ╭─[pipeline.toml:22:8]
    21 │ [warehouse]
    22 │ kind = "postgre"
       ·        ────┬────
       ·            ╰── not known here
       ╰────
     help: did you mean `postgres`?
    "#);
}

#[test]
fn an_unknown_key_of_the_warehouse_is_shown() {
    assert_snapshot!(told_of("[warehouse]\nkind = \"lake\"\npath = \"x\"\n"), @r#"
     × unknown key `path`
       ╭─[pipeline.toml:23:1]
    22 │ kind = "lake"
    23 │ path = "x"
       · ──┬─
       ·   ╰── not known here
       ╰────
     help: known keys: `kind`, `url`, `schema`, `contract`, `load`, `setup`, `timescale`
    "#);
}

#[test]
fn a_warehouse_without_kind_is_shown() {
    assert_snapshot!(told_of("[warehouse]\n"), @r#"
     × missing key `kind`
       ╭─[pipeline.toml:21:1]
    20 │ key = ["order_id"]
    21 │ [warehouse]
       · ─────┬─────
       ·      ╰── `kind` belongs here
       ╰────
    "#);
}

#[test]
fn an_unknown_dimension_has_a_near_miss() {
    assert_snapshot!(told_of("[gate]\nfloors = { integrty = 100 }\n"), @r#"
     × unknown value `integrty`
       ╭─[pipeline.toml:22:12]
    21 │ [gate]
    22 │ floors = { integrty = 100 }
       ·            ────┬───
       ·                ╰── not known here
       ╰────
     help: did you mean `integrity`?
    "#);
}

#[test]
fn a_time_without_quotes_is_told_to_have_them() {
    assert_snapshot!(told_of("[clock]\nnow = 2018-10-17T17:30:18Z\n"), @r#"
     × expected a time, found a table
       ╭─[pipeline.toml:22:7]
    21 │ [clock]
    22 │ now = 2018-10-17T17:30:18Z
       ·       ──────────┬─────────
       ·                 ╰── expected a time
       ╰────
     help: put it in quotes: "2018-10-17T17:30:18Z"
    "#);
}

#[test]
fn a_date_is_no_time() {
    assert_snapshot!(told_of("[clock]\nnow = \"2018-10-17\"\n"), @r#"
     × not a time: premature end of input
       ╭─[pipeline.toml:22:7]
    21 │ [clock]
    22 │ now = "2018-10-17"
       ·       ──────┬─────
       ·             ╰── expected a time
       ╰────
     help: write it like this: "2018-10-17T17:30:18Z"
    "#);
}

#[test]
fn a_url_in_the_file_is_refused_without_showing_it() {
    assert_snapshot!(told_of("[warehouse]\nkind = \"postgres\"\nurl = \"postgres://u:p@h/d\"\n"), @r#"
     × a URL in a pipeline file shows its password to everyone who reads it
       ╭─[pipeline.toml:23:1]
    22 │ kind = "postgres"
    23 │ url = ********************
       · ─┬─
       ·  ╰── the URL itself stands here
       ╰────
     help: put it into an environment variable and write `url = { env = "DATABASE_URL" }`
    "#);
}
