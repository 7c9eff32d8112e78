"""Reads a Grafana dashboard with the model of Grafana Labs and prints what the model does not know, reads otherwise, or has another type for."""

import enum
import json
import sys
import typing

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(before, after, place):
    """What is not written again as it was read."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{place}/{key}")
            elif value is not None:
                yield f"{place}/{key}: the model has no such key"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after)):
            yield from lost(*pair, f"{place}/{number}")
    elif before != after:
        yield f"{place}: {before!r} is read as {after!r}"


def fits(value, hint):
    """Whether a value is of the type that the model says."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in (typing.Any, object) or isinstance(hint, typing.TypeVar):
        return True
    if origin is typing.Union:
        return any(fits(value, kind) for kind in inner)
    if origin is typing.Literal:
        return value in inner
    if origin in (list, dict):
        return isinstance(value, origin)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in [word.value for word in hint] or value in list(hint)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return not isinstance(hint, type) or isinstance(value, hint)


def wrong(value, place):
    """Values that are of another type than the model says."""
    if isinstance(value, (list, dict)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from wrong(inner, f"{place}/{key}")
    elif hasattr(value, "to_json"):
        hints = typing.get_type_hints(type(value))
        for key, inner in vars(value).items():
            if key in hints and not fits(inner, hints[key]):
                yield f"{place}/{key}: {inner!r} is no {hints[key]}"
            yield from wrong(inner, f"{place}/{key}")


plugins.register_default_plugins()
text = sys.stdin.read()
dashboard = Dashboard.from_json(json.loads(text))
written = json.loads(JSONEncoder().encode(dashboard))
print(json.dumps([*lost(json.loads(text), written, ""), *wrong(dashboard, "")], indent=1))
