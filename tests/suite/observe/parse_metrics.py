"""Reads metrics with the parser of Prometheus' own client and prints each family with its type and how many samples it has."""

import json, sys

from prometheus_client.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))
print(json.dumps({family.name: [family.type, len(family.samples), family.documentation] for family in families}))
