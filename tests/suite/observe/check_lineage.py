"""Reads OpenLineage events (a JSON list) into the models of OpenLineage's own client: a key that the standard does not know, or one that is
missing, is an error; so is a facet that names another schema than the client's. Prints how many facets were checked."""

import importlib, inspect, json, pkgutil, sys, typing, uuid

import attr
from openlineage.client.generated import base
import openlineage.client.generated as generated

classes = {}
for module in pkgutil.iter_modules(generated.__path__):
    for name, value in inspect.getmembers(importlib.import_module(f"{generated.__name__}.{module.name}"), inspect.isclass):
        classes.setdefault(name, value)

checked = 0


def build(kind, value, where):
    """An instance of an attrs class, its own fields built in the same way."""
    hints = typing.get_type_hints(kind, vars(typing) | classes | vars(sys.modules[kind.__module__]))
    fields = {field.alias: field for field in attr.fields(kind)}
    unknown = set(value) - set(fields) - {"_producer", "_schemaURL", "producer", "schemaURL"}
    assert not unknown, f"{where}: {kind.__name__} has no {sorted(unknown)}"
    arguments = {key: nested(hints.get(fields[key].name), item, f"{where}.{key}") for key, item in value.items() if key in fields and fields[key].init}
    return kind(**arguments)


def nested(hint, value, where):
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, getattr(__import__("types"), "UnionType")) else (hint,)
    for option in options:
        origin, inner = typing.get_origin(option), typing.get_args(option)
        if attr.has(option) and isinstance(value, dict):
            return build(option, value, where)
        if origin is list and isinstance(value, list):
            return [nested(inner[0], item, f"{where}[{n}]") for n, item in enumerate(value)]
        if origin is dict and isinstance(value, dict) and attr.has(inner[1]):
            if issubclass(inner[1], base.BaseFacet) or inner[1].__name__.endswith("Facet"):
                return facets(value, where)
            return {key: build(inner[1], item, f"{where}.{key}") for key, item in value.items()}
        # JSON writes 3.0 as 3.
        accepted = (int, float) if option is float else option
        if inspect.isclass(option) and isinstance(value, accepted) and (option is bool or not isinstance(value, bool)):
            return value
    if any(inspect.isclass(option) and option.__module__ == "typing" or option is typing.Any or typing.get_origin(option) is dict for option in options):
        return value
    raise AssertionError(f"{where}: {value!r} is not {hint}")


def facets(value, where):
    global checked
    built = {}
    for key, content in value.items():
        name = content["_schemaURL"].rsplit("/", 1)[1]
        assert name in classes, f"{where}.{key}: there is no {name}"
        built[key] = build(classes[name], content, f"{where}.{key}")
        assert built[key]._get_schema() == content["_schemaURL"], f"{where}.{key}: {content['_schemaURL']} is {built[key]._get_schema()}"
        assert content["_producer"].startswith("https://")
        checked += 1
    return built


for event in json.load(sys.stdin):
    uuid.UUID(event["run"]["runId"])
    base.RunEvent(
        eventTime=event["eventTime"], eventType=base.EventType[event["eventType"]], producer=event["producer"],
        run=base.Run(runId=event["run"]["runId"], facets=facets(event["run"]["facets"], "run")),
        job=base.Job(namespace=event["job"]["namespace"], name=event["job"]["name"], facets=facets(event["job"]["facets"], "job")),
        inputs=[base.InputDataset(namespace=d["namespace"], name=d["name"], facets=facets(d.get("facets", {}), "input"),
                                  inputFacets=facets(d.get("inputFacets", {}), "input")) for d in event["inputs"]],
        outputs=[base.OutputDataset(namespace=d["namespace"], name=d["name"], facets=facets(d.get("facets", {}), "output"),
                                    outputFacets=facets(d.get("outputFacets", {}), "output")) for d in event["outputs"]],
    )
    assert event["schemaURL"] == base.RunEvent._get_schema()
print(checked)
