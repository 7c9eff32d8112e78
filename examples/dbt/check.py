"""Compares what dbt made from PostgreSQL with what it made from the lake: every row of every mart must be the same.

Its argument is DuckDB's file; where PostgreSQL is say libpq's variables.
"""

from __future__ import annotations

import sys

import duckdb
import psycopg2

MARTS = ["monthly_cohort_retention", "seller_scorecard", "delivery_performance"]


def rows(cursor, mart: str) -> list[tuple]:
    """The rows in an order of their own, floats without the last digits: sums of floats depend on the order of adding."""
    cursor.execute(f"select * from analytics.{mart}")
    short = [tuple(round(value, 6) if isinstance(value, float) else value for value in row) for row in cursor.fetchall()]
    return sorted(short, key=str)


def main() -> None:
    postgres = psycopg2.connect("").cursor()
    lake = duckdb.connect(sys.argv[1], read_only=True).cursor()
    for mart in MARTS:
        one, other = rows(postgres, mart), rows(lake, mart)
        assert one and one == other, f"{mart} differs: {[pair for pair in zip(one, other) if pair[0] != pair[1]][:3]}"
        print(f"ok  {mart}: the same {len(one)} rows from PostgreSQL and from the lake")


if __name__ == "__main__":
    main()
