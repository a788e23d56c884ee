"""A dashboard, read by Grafana's own model of dashboards and written again: `check.py FILE`.

Ends with 1 when the model loses or changes something (a field that Grafana does not know would be gone without a word), or when
a value is not of the type that Grafana has there (a colour mode that there is not, a text for a number)."""

import enum
import json
import sys
import types
import typing

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import Runtime
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(before, after, path):
    """What of `before` is not in `after`. Fields that were added are defaults, which Grafana fills in, too."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                yield from lost(value, after[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}: Grafana knows no such field"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after)):
            yield from lost(old, new, f"{path}[{number}]")
    elif type(before) is not type(after) or before != after:
        yield f"{path}: Grafana makes {after!r} of {before!r}"


def fits(value, wanted):
    """Whether a value is of that type, as far as this depth can say."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is typing.Any or isinstance(wanted, (str, typing.ForwardRef, typing.TypeVar)):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(fits(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, arguments[1]) for one in value.values())
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        return value in [one.value for one in wanted]
    if wanted is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, wanted)


def wrong(node, path, seen):
    """Fields of the model whose values are of another type than it says."""
    if isinstance(node, (list, tuple)):
        for number, one in enumerate(node):
            yield from wrong(one, f"{path}[{number}]", seen)
    elif isinstance(node, dict):
        for name, one in node.items():
            yield from wrong(one, f"{path}.{name}", seen)
    elif hasattr(node, "to_json") and not isinstance(node, enum.Enum):
        seen.append(path)
        hints = typing.get_type_hints(type(node))
        for name, value in vars(node).items():
            wanted = hints.get(name, typing.Any)
            if not fits(value, wanted):
                yield f"{path}.{name}: {value!r} is no {wanted}"
            yield from wrong(value, f"{path}.{name}", seen)


path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    given = json.load(file)
register_default_plugins()
dashboard = Dashboard.from_json(given)
written = json.loads(json.dumps(dashboard, cls=JSONEncoder))
looked_at = []
panels = [one for one in given["panels"] if one["type"] != "row"]
# What a panel or a question of an unknown type says is taken as it is.
panel_types, question_types = Runtime().panelcfg_variants, Runtime().dataquery_variants
strange = [f"{one['title']}: no panel is a {one['type']}" for one in panels if one["type"] not in panel_types]
for one in panels:
    kinds = {question["datasource"]["type"] for question in one["targets"]}
    strange += [f"{one['title']}: no data source is a {kind}" for kind in kinds - question_types.keys()]
faults = [*strange, *lost(given, written, ""), *wrong(dashboard, "", looked_at)]
for fault in faults:
    print(f"{path}: {fault}", file=sys.stderr)
if faults:
    sys.exit(1)
print(f"{path}: {len(panels)} panels, {len(looked_at)} parts, as Grafana has them")
