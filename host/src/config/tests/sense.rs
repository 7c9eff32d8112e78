//! Messages about pipelines whose types are right and which make no sense.

use insta::assert_snapshot;

use super::super::*;
use super::*;

#[test]
fn another_version_is_refused_before_its_keys_are_read() {
    assert_snapshot!(told("version = 1", "version = 2\nnew_key = true"), @r#"
     × unknown version 2
      ╭─[pipeline.toml:1:11]
    1 │ version = 2
      ·           ┬
      ·           ╰── this tidegate reads version 1
    2 │ new_key = true
      ╰────
     help: write `version = 1`, or use the tidegate that the file was written for
    "#);
}

#[test]
fn a_bad_name_is_mended() {
    assert_snapshot!(told("name = \"shop\"", "name = \"My Shop\""), @r#"
     × `My Shop` cannot be a name
      ╭─[pipeline.toml:2:8]
    1 │ version = 1
    2 │ name = "My Shop"
      ·        ────┬────
      ·            ╰── not a name
    3 │
      ╰────
     help: a name begins with a letter and has lower-case letters, digits, `-` and `_`, 63 at most;
           `my_shop` would do
    "#);
}

#[test]
fn a_table_whose_name_sql_would_not_take_is_refused() {
    assert_snapshot!(told("[tables.fact_orders]", "[tables.fact-orders]"), @r#"
     × `fact-orders` cannot be a name
       ╭─[pipeline.toml:17:9]
    16 │
    17 │ [tables.fact-orders]
       ·         ─────┬─────
       ·              ╰── not a name
    18 │ stream = "orders"
       ╰────
     help: a name begins with a letter and has lower-case letters, digits and `_`, 63 at most;
           `fact_orders` would do
    "#);
}

#[test]
fn a_source_that_is_not_there_has_a_near_miss() {
    assert_snapshot!(told("[streams.customers]", "[streams.customers]\nsource = \"file\""), @r#"
     × there is no source `file`
       ╭─[pipeline.toml:11:10]
    10 │ [streams.customers]
    11 │ source = "file"
       ·          ───┬──
       ·             ╰── not a source
    12 │
       ╰────
     help: did you mean `files`?
    "#);
}

#[test]
fn a_stream_names_its_source_where_there_are_several() {
    let two = "[sources.shop]\nplugin = \"source-shop\"\n\n[streams.orders]\nsource = \"shop\"";
    assert_snapshot!(told("[streams.orders]", two), @r#"
     × stream `customers` does not say which source it comes from
       ╭─[pipeline.toml:14:10]
    13 │
    14 │ [streams.customers]
       ·          ────┬────
       ·              ╰── `source` belongs here
    15 │
       ╰────
     help: add `source = "..."` with one of: `files`, `shop`
    "#);
}

#[test]
fn a_check_of_an_unknown_stream_has_a_near_miss() {
    assert_snapshot!(told("[checks.known]\nstream = \"orders\"", "[checks.known]\nstream = \"order\""), @r#"
     × there is no stream `order`
       ╭─[pipeline.toml:13:10]
    12 │ [checks.known]
    13 │ stream = "order"
       ·          ───┬───
       ·             ╰── not a stream
    14 │ sql = "select 1"
       ╰────
     help: did you mean `orders`?
    "#);
}

#[test]
fn a_check_that_nothing_judges_is_refused() {
    let judged = "sql = \"select 1\"\nquality = [{ plugin = \"quality-dimensions\" }]";
    assert_snapshot!(told(judged, "sql = \"select 1\"\nquality = []"), @r#"
     × nothing judges the rows of check `known`
       ╭─[pipeline.toml:15:11]
    14 │ sql = "select 1"
    15 │ quality = []
       ·           ─┬
       ·            ╰── a quality plugin belongs here
    16 │
       ╰────
    "#);
}

#[test]
fn a_table_with_both_origins_is_refused() {
    assert_snapshot!(told("mode = \"merge\"", "sql = \"select 1\""), @r#"
     × table `fact_orders` has both `sql` and `stream`
       ╭─[pipeline.toml:18:1]
    17 │ [tables.fact_orders]
    18 │ stream = "orders"
       · ───┬──
       ·    ╰── one too many
    19 │ sql = "select 1"
       ╰────
     help: keep one of the two
    "#);
}

#[test]
fn a_table_with_no_origin_is_refused() {
    assert_snapshot!(told("stream = \"orders\"\nmode = \"merge\"", "mode = \"merge\""), @r#"
     × table `fact_orders` has neither `sql` nor `stream`
       ╭─[pipeline.toml:17:9]
    16 │
    17 │ [tables.fact_orders]
       ·         ─────┬─────
       ·              ╰── where do its rows come from?
    18 │ mode = "merge"
       ╰────
     help: add `sql = "..."` with a SELECT or a file, or `stream = "..."`
    "#);
}

#[test]
fn a_table_of_an_unknown_stream_lists_the_streams() {
    assert_snapshot!(told("stream = \"orders\"\nmode", "stream = \"visits\"\nmode"), @r#"
     × there is no stream `visits`
       ╭─[pipeline.toml:18:10]
    17 │ [tables.fact_orders]
    18 │ stream = "visits"
       ·          ────┬───
       ·              ╰── not a stream
    19 │ mode = "merge"
       ╰────
     help: streams of this pipeline: `orders`, `customers`
    "#);
}

#[test]
fn a_merge_needs_a_key() {
    assert_snapshot!(told("key = [\"order_id\"]\n", ""), @r#"
     × table `fact_orders` is merged without a key
       ╭─[pipeline.toml:19:8]
    18 │ stream = "orders"
    19 │ mode = "merge"
       ·        ───┬───
       ·           ╰── `merge` needs a `key`
       ╰────
     help: add `key = [...]` with the columns that identify a row
    "#);
}

#[test]
fn a_mart_may_not_be_named_like_a_table() {
    assert_snapshot!(told_of("[marts.fact_orders]\nsql = \"select 1\"\n"), @r#"
     × `fact_orders` is both a table and a mart
       ╭─[pipeline.toml:21:8]
    20 │ key = ["order_id"]
    21 │ [marts.fact_orders]
       ·        ─────┬─────
       ·             ╰── named a second time
    22 │ sql = "select 1"
       ╰────
    "#);
}

#[test]
fn an_empty_statement_is_refused() {
    assert_snapshot!(told_of("[marts.sales]\nsql = \"\"\n"), @r#"
     × the statement is empty
       ╭─[pipeline.toml:22:7]
    21 │ [marts.sales]
    22 │ sql = ""
       ·       ─┬
       ·        ╰── a SELECT, or the path of a `.sql` file
       ╰────
    "#);
}

#[test]
fn numbers_out_of_range_are_all_shown() {
    let engine = "[engine]\npartitions = 65\nbatch_rows = 100\narchive_level = 10\n";
    let gate = "[gate]\noverall = 101\nfloors = { validity = -1 }\nweights = { accuracy = -0.5 }\n";
    let limits = "[limits]\nmemory_mib = 0\n";
    assert_snapshot!(told_of(&[engine, gate, limits].concat()), @r#"
      × `partitions` is 65, but goes from 1 to 64
        ╭─[pipeline.toml:22:14]
     21 │ [engine]
     22 │ partitions = 65
        ·              ─┬
        ·               ╰── from 1 to 64
     23 │ batch_rows = 100
        ╰────

    Error:
      × `batch_rows` is 100, but goes from 1024 to 65536
        ╭─[pipeline.toml:23:14]
     22 │ partitions = 65
     23 │ batch_rows = 100
        ·              ─┬─
        ·               ╰── from 1024 to 65536
     24 │ archive_level = 10
        ╰────

    Error:
      × `archive_level` is 10, but goes from 0 to 9
        ╭─[pipeline.toml:24:17]
     23 │ batch_rows = 100
     24 │ archive_level = 10
        ·                 ─┬
        ·                  ╰── from 0 to 9
     25 │ [gate]
        ╰────

    Error:
      × `overall` is 101, but goes from 0 to 100
        ╭─[pipeline.toml:26:11]
     25 │ [gate]
     26 │ overall = 101
        ·           ─┬─
        ·            ╰── from 0 to 100
     27 │ floors = { validity = -1 }
        ╰────

    Error:
      × `validity` is -1, but goes from 0 to 100
        ╭─[pipeline.toml:27:23]
     26 │ overall = 101
     27 │ floors = { validity = -1 }
        ·                       ─┬
        ·                        ╰── from 0 to 100
     28 │ weights = { accuracy = -0.5 }
        ╰────

    Error:
      × the weight of `accuracy` is -0.5
        ╭─[pipeline.toml:28:24]
     27 │ floors = { validity = -1 }
     28 │ weights = { accuracy = -0.5 }
        ·                        ──┬─
        ·                          ╰── a number from 0
     29 │ [limits]
        ╰────

    Error:
      × `memory_mib` is 0, but goes from 1 to 4096
        ╭─[pipeline.toml:30:14]
     29 │ [limits]
     30 │ memory_mib = 0
        ·              ┬
        ·              ╰── from 1 to 4096
        ╰────
    "#);
}

#[test]
fn a_pipeline_without_streams_is_refused() {
    let text = "version = 1\nname = \"shop\"\n[sources.files]\nplugin = \"\"\n[streams]\n";
    assert_snapshot!(rendered(&read(text).unwrap_err()), @r#"
      × no plugin is named
       ╭─[pipeline.toml:4:10]
     3 │ [sources.files]
     4 │ plugin = ""
       ·          ─┬
       ·           ╰── a plugin's name, or the path of a `.wasm`
     5 │ [streams]
       ╰────

    Error:
      × the pipeline reads no stream
       ╭─[pipeline.toml:5:2]
     4 │ plugin = ""
     5 │ [streams]
       ·  ───┬───
       ·     ╰── empty
       ╰────
      help: add a table such as `[streams.orders]`
    "#);
}

#[test]
fn a_missing_sql_file_has_a_near_miss_among_its_neighbours() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    std::fs::create_dir(folder.path().join("sql")).expect("a folder in it");
    std::fs::write(folder.path().join("sql/sales_by_month.sql"), "select 1").expect("a file in it");
    let text = format!("{START}[marts.sales]\nsql = \"sql/sales_by_mont.sql\"\n[marts.other]\nsql = \"sqll/other.sql\"\n");
    assert_snapshot!(rendered(&read_in(folder.path(), &text).unwrap_err()), @r#"
      × there is no SQL file `sql/sales_by_mont.sql`
        ╭─[pipeline.toml:22:7]
     21 │ [marts.sales]
     22 │ sql = "sql/sales_by_mont.sql"
        ·       ───────────┬───────────
        ·                  ╰── not found
     23 │ [marts.other]
        ╰────
      help: did you mean `sales_by_month.sql`?

    Error:
      × there is no SQL file `sqll/other.sql`
        ╭─[pipeline.toml:24:7]
     23 │ [marts.other]
     24 │ sql = "sqll/other.sql"
        ·       ────────┬───────
        ·               ╰── not found
        ╰────
      help: its folder does not exist; the path is relative to the pipeline file
    "#);
}

#[test]
fn a_pipeline_that_is_not_there_says_what_a_pipeline_is() {
    assert_snapshot!(rendered(&load(Path::new("nowhere")).unwrap_err()), @r#"
    × read the pipeline file `nowhere`
    ╰─▶ No such file or directory (os error 2)
    help: a pipeline is a TOML file, or a folder that holds `pipeline.toml`
    "#);
}

#[test]
fn others_can_point_at_a_word_of_the_file() {
    let loaded = read(START).unwrap();
    let path = pointer_path("/tables/fact_orders/key/0");
    let problem = loaded.problem(&path, Part::Value, "`order_id` is no column of `orders`").label("not a column");
    assert_snapshot!(rendered(&problem.into()), @r#"
     × `order_id` is no column of `orders`
       ╭─[pipeline.toml:20:8]
    19 │ mode = "merge"
    20 │ key = ["order_id"]
       ·        ─────┬────
       ·             ╰── not a column
       ╰────
    "#);
}

#[test]
fn keys_of_a_database_mean_nothing_to_the_lake() {
    assert_snapshot!(told_of("[warehouse]\nkind = \"lake\"\nload = \"insert\"\n"), @r#"
     × the lake has no `load`
       ╭─[pipeline.toml:23:1]
    22 │ kind = "lake"
    23 │ load = "insert"
       · ──┬─
       ·   ╰── for PostgreSQL only
       ╰────
     help: write `kind = "postgres"`, or leave it out
    "#);
}

#[test]
fn the_lake_keeps_no_history_of_rows() {
    assert_snapshot!(told_of("[tables.history]\nstream = \"orders\"\nmode = \"scd2\"\nkey = [\"order_id\"]\n"), @r#"
     × the lake keeps no history of rows
       ╭─[pipeline.toml:23:8]
    22 │ stream = "orders"
    23 │ mode = "scd2"
       ·        ───┬──
       ·           ╰── for PostgreSQL only
    24 │ key = ["order_id"]
       ╰────
     help: write `mode = "merge"`, or load into a warehouse of kind `postgres`
    "#);
}
