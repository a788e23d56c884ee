"""What a program is made of, checked: `check.py FILE CARGO_LOCK <NAMES`, with a line `name version` for each crate that cargo
builds for it.

Ends with 1 when FILE is no CycloneDX, or lacks one of those, or has one that is not in Cargo.lock. It may have some more than
are built: what other members of the workspace, or tests, ask a crate to bring along."""

import json
import sys
import tomllib

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    text = file.read()
wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
if wrong:
    sys.exit(f"{path} is no CycloneDX 1.5: {wrong}")

bom = json.loads(text)
root = bom["metadata"]["component"]
found = {(part["name"], part["version"]) for part in [root, *bom["components"]]}
built = {tuple(line.split()) for line in sys.stdin}
if not built:
    sys.exit("cargo named no crate")
with open(sys.argv[2], "rb") as file:
    locked = {(crate["name"], crate["version"]) for crate in tomllib.load(file)["package"]}
for name, version in sorted(built - found):
    print(f"{path}: {name} {version} is built and not listed", file=sys.stderr)
for name, version in sorted(found - locked):
    print(f"{path}: {name} {version} is listed and not in Cargo.lock", file=sys.stderr)
if not built <= found <= locked:
    sys.exit(1)
print(f"{path}: {len(found)} components, {len(built)} of them are built")
