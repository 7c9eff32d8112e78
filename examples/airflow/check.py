"""Tries the example on the real Airflow and the real tidegate: what `try` beside this file runs.

Its arguments are the program, and a folder that holds `sql` and `examples/olist` as in the tree, with nine files in `examples/olist/data`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

# Another date for each test: Airflow keeps one run of a DAG per date.
import pendulum

PROGRAM, PLACE = sys.argv[1], Path(sys.argv[2])
DAGS = Path(__file__).parent / "dags"
LINEAGE = PLACE / "lineage.jsonl"

# What holds is said on stdout; what Airflow says goes to stderr, wherever it writes it.
FACTS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

sys.path.insert(0, str(DAGS))
os.environ |= {
    "TIDEGATE": PROGRAM,
    "TIDEGATE_OLIST": str(PLACE / "examples/olist"),
    "OPENLINEAGE__TRANSPORT__TYPE": "file",
    "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": str(LINEAGE),
    "OPENLINEAGE__TRANSPORT__APPEND": "true",
}

from airflow.dag_processing.dagbag import BundleDagBag  # noqa: E402


def dag(**environment: str):
    """The DAG as Airflow imports it, with these variables set."""
    os.environ |= environment
    bag = BundleDagBag(dag_folder=DAGS, bundle_path=DAGS, bundle_name="dags-folder")
    assert not bag.import_errors, bag.import_errors
    return bag.dags["tidegate_olist"]


def states(run) -> dict[str, tuple[str, int]]:
    """State and number of tries of each task of a run."""
    return {ti.task_id: (str(ti.state), ti.try_number) for ti in run.get_task_instances()}


def without_some_orders() -> Path:
    """The data again, but for 30 orders whose items stay: their references dangle, and the gate lets none of those through."""
    bad = PLACE / "bad"
    shutil.copytree(PLACE / "examples/olist/data", bad)
    orders = bad / "olist_orders_dataset.csv"
    lines = orders.read_bytes().splitlines(keepends=True)
    orders.write_bytes(b"".join(lines[:50] + lines[80:]))
    return bad


def loads() -> None:
    run = dag().test(logical_date=pendulum.datetime(2026, 2, 1))
    assert states(run) == {"run": ("success", 1), "report": ("success", 1)}, states(run)
    loaded = next(ti for ti in run.get_task_instances() if ti.task_id == "run").xcom_pull(task_ids="run")
    assert loaded["tables"]["fact_orders"] == loaded["tables"]["dim_customers"] > 0, loaded
    assert loaded["rows_read"] == loaded["rows_accepted"] + loaded["rows_quarantined"], loaded


def held_fails_without_a_retry(bad: Path) -> None:
    run = dag(TIDEGATE_OLIST_DATA=str(bad)).test(logical_date=pendulum.datetime(2026, 2, 2))
    assert str(run.state) == "failed", run.state
    assert states(run) == {"run": ("failed", 1), "report": ("upstream_failed", 0)}, states(run)


def held_is_skipped_where_that_is_wanted(bad: Path) -> None:
    one = dag(TIDEGATE_OLIST_DATA=str(bad))
    one.get_task("run").held = "skip"
    run = one.test(logical_date=pendulum.datetime(2026, 2, 3))
    assert str(run.state) == "success", run.state
    assert states(run) == {"run": ("skipped", 1), "report": ("skipped", 0)}, states(run)


def what_may_pass_is_tried_again(bad: Path) -> None:
    """A file that is cut inside a letter is the source's matter: exit code 6."""
    torn = PLACE / "torn"
    shutil.copytree(bad, torn)
    (torn / "olist_sellers_dataset.csv").write_bytes(b"seller_id,seller_zip_code_prefix,seller_city,seller_state\nx,1,S\xc3,SP\n")
    one = dag(TIDEGATE_OLIST_DATA=str(torn))
    one.get_task("run").retry_delay = pendulum.duration(seconds=0)
    run = one.test(logical_date=pendulum.datetime(2026, 2, 4))
    assert states(run) == {"run": ("failed", 3), "report": ("upstream_failed", 0)}, states(run)


def what_will_not_pass_is_not_tried_again() -> None:
    for day, wrong in [(5, {"TIDEGATE": "no-such-program"}), (6, {"TIDEGATE": PROGRAM, "TIDEGATE_OLIST": str(PLACE / "nowhere")})]:
        run = dag(**wrong).test(logical_date=pendulum.datetime(2026, 2, day))
        assert states(run) == {"run": ("failed", 1), "report": ("upstream_failed", 0)}, states(run)


def lineage_names_the_task() -> None:
    """Airflow's own events, and where this tidegate sends some, its run is the task's child."""
    events = [json.loads(line) for line in LINEAGE.read_text().splitlines()]
    tasks = {event["run"]["runId"] for event in events if event["job"]["name"] == "tidegate_olist.run"}
    assert tasks, "Airflow's provider for OpenLineage sent nothing"
    ours = [event for event in events if "tidegate" in event["producer"]]
    for event in ours:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] in tasks and parent["job"]["name"] == "tidegate_olist.run", parent
    FACTS.write(f"    {len(events)} events, {len(ours)} of them by tidegate\n")


def main() -> None:
    bad = without_some_orders()
    for fact, given in [
        (loads, []),
        (held_fails_without_a_retry, [bad]),
        (held_is_skipped_where_that_is_wanted, [bad]),
        (what_may_pass_is_tried_again, [bad]),
        (what_will_not_pass_is_not_tried_again, []),
        (lineage_names_the_task, []),
    ]:
        fact(*given)
        FACTS.write(f"ok  {fact.__name__.replace('_', ' ')}\n")
        FACTS.flush()


if __name__ == "__main__":
    main()
