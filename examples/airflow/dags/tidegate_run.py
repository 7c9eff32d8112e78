"""An operator for Airflow 3: one task is one run of one tidegate pipeline.

The exit code says what becomes of the task:

====================  =======================================================  ==========================================
exit code             of tidegate                                              the task
====================  =======================================================  ==========================================
0                     loaded                                                   succeeds; its result is a summary
3                     held by the gate, nothing was loaded                     fails without a retry, or is skipped
1, 6, 7, 8, a signal  failed, source or warehouse out of reach, run going on   fails, and is tried again as `retries` says
any other             wrong usage, pipeline, plugin, or interrupted            fails without a retry
====================  =======================================================  ==========================================

A held run is held again by the same data, so a retry would only repeat it.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, Literal

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

LOADED = 0
HELD = 3
# What another try may cure: a failure without a code of its own, the source, the warehouse, another run that goes on.
MAY_PASS = frozenset({1, 6, 7, 8})

# How long a run that is told to stop may take before it is killed.
STOP_SECONDS = 60


class TidegateRun(BaseOperator):
    """Runs a pipeline and gives a summary of the run as its result.

    :param pipeline: the pipeline file or its folder (templated)
    :param data: a folder to read files from instead of the one that the pipeline grants as ``data`` (templated)
    :param held: what a held run is: ``"fail"``, so that somebody looks at it, or ``"skip"``, so that only what depends on the data waits
    :param program: the program, by its name in the PATH or its path
    :param env: environment variables beside those of the worker, such as ``DATABASE_URL`` (templated)
    """

    template_fields: Sequence[str] = ("pipeline", "data", "env")
    template_fields_renderers = {"env": "json"}
    ui_color = "#d7ecec"

    def __init__(
        self,
        *,
        pipeline: str,
        data: str | None = None,
        held: Literal["fail", "skip"] = "fail",
        program: str = "tidegate",
        env: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if held not in ("fail", "skip"):
            raise ValueError(f'held="{held}": write "fail" or "skip"')
        self.pipeline = pipeline
        self.data = data
        self.held = held
        self.program = program
        self.env = env
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        command = [self.program, "run", self.pipeline, "--json"]
        if self.data:
            command += ["--data", self.data]
        self.log.info("%s", shlex.join(command))
        code, report = self._run(command, {**os.environ, **parents(context), **(self.env or {})})
        self._tell(report)
        if code == LOADED:
            return summary(report)
        reason = why(code, report)
        if code == HELD and self.held == "skip":
            raise AirflowSkipException(reason)
        # Below zero: ended by a signal, as by the kernel when memory runs out.
        if code in MAY_PASS or code < 0:
            raise AirflowException(reason)
        raise AirflowFailException(reason)

    def on_kill(self) -> None:
        """Tells the run to stop, as Ctrl-C does: what it has begun is undone, and the next run starts where this one did."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    def _run(self, command: list[str], environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
        try:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                # A signal for the worker's group is not one for the run: `on_kill` tells it once.
                start_new_session=True,
            )
        except OSError as error:
            raise AirflowFailException(
                f"`{self.program}` can't be started ({error.strerror}): install tidegate on this worker, or give the operator its path as `program`"
            ) from error
        self._process = process
        talk = threading.Thread(target=self._log_lines, args=(process.stderr,), daemon=True)
        talk.start()
        printed = process.stdout.read()
        code = process.wait()
        talk.join()
        try:
            report = json.loads(printed) if printed.strip() else {}
        except ValueError:
            report = {"error": printed.strip()[-2000:]}
        return code, report

    def _log_lines(self, lines: IO[str]) -> None:
        for line in lines:
            self.log.info("%s", line.rstrip())

    def _tell(self, report: dict[str, Any]) -> None:
        for stream in report.get("streams", []):
            self.log.info(
                "%s: %d read, %d accepted, %d quarantined",
                stream["stream"], stream["read"], stream["accepted"], stream["quarantined"],
            )  # fmt: skip
        for table in [*report.get("tables", []), *report.get("marts", [])]:
            self.log.info(
                "%s: %d new, %d changed, %d rows now", table["table"], table["inserted"], table["updated"], table["rows_after"]
            )


def parents(context: Context) -> dict[str, str]:
    """Names the task as the parent of the run in OpenLineage events, where Airflow's provider for it is installed."""
    try:
        from airflow.providers.openlineage.plugins import macros
    except ImportError:
        return {}
    task_instance = context["ti"]
    return {
        "OPENLINEAGE_PARENT_ID": macros.lineage_parent_id(task_instance),
        "OPENLINEAGE_ROOT_PARENT_ID": macros.lineage_root_parent_id(task_instance),
    }


def summary(report: dict[str, Any]) -> dict[str, Any]:
    """What the tasks after a run may want to know of it."""
    streams = report["streams"]
    overall = [scores["overall"] for scores in report["verdict"]["scores"] if scores["stream"] is None]
    return {
        "run": report["run"],
        "pipeline": report["pipeline"],
        "seconds": report["millis"] / 1000,
        "rows_read": sum(stream["read"] for stream in streams),
        "rows_accepted": sum(stream["accepted"] for stream in streams),
        "rows_quarantined": sum(stream["quarantined"] for stream in streams),
        "score": overall[0] if overall else None,
        "tables": {table["table"]: table["rows_after"] for table in [*report["tables"], *report["marts"]]},
    }


def why(code: int, report: dict[str, Any]) -> str:
    """Why a run did not load, in words."""
    if code == HELD:
        reasons = [
            f"{reason['stream'] or 'all streams'}: {reason['rule']} is {reason['found']:.2f}, the pipeline asks for {reason['threshold']:g}"
            for reason in report.get("verdict", {}).get("reasons", [])
        ]
        return f"run {report.get('run')} was held, nothing was loaded: " + "; ".join(reasons)
    words = report.get("error") or "tidegate said nothing on stdout; the log above has what it said"
    hint = f" (hint: {report['hint']})" if report.get("hint") else ""
    ended = f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"
    return f"tidegate {ended}: {words}{hint}"
