"""The Olist example of tidegate, every morning, for those who keep Airflow.

Where things are comes from the environment of the worker:

- ``TIDEGATE``: the program; ``tidegate`` in the PATH by default
- ``TIDEGATE_OLIST``: the pipeline file or its folder
- ``TIDEGATE_OLIST_DATA``: a folder with the nine files, where it is not the pipeline's own
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, task
from tidegate_run import TidegateRun

# Updated by a run that loaded, by no other: DAGs with `schedule=[Asset("tidegate-olist")]` start when there is new data.
WAREHOUSE = Asset("tidegate-olist")

with DAG(
    dag_id="tidegate_olist",
    description="Takes the Olist files through the gate into the star schema",
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    # tidegate refuses a second run of a pipeline that is going on; here it would only use up retries.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["tidegate"],
) as dag:
    run = TidegateRun(
        task_id="run",
        program=os.environ.get("TIDEGATE", "tidegate"),
        pipeline=os.environ.get("TIDEGATE_OLIST", "examples/olist"),
        data=os.environ.get("TIDEGATE_OLIST_DATA"),
        held="fail",
        outlets=[WAREHOUSE],
        # A run that takes longer is stopped: `on_kill` lets it undo what it began.
        execution_timeout=timedelta(hours=2),
    )

    @task
    def report(loaded: dict) -> None:
        """Says what came: put your message to people here."""
        print(f"{loaded['rows_accepted']} rows came through the gate, {loaded['rows_quarantined']} did not; score {loaded['score']:.2f} %")

    report(run.output)
