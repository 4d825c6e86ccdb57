"""Holds every vector file against the schema."""

import json
import pathlib

import jsonschema

folder = pathlib.Path(__file__).resolve().parent.parent / "vectors"
schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
for path in sorted(folder.glob("*.json")):
    if path.name != "schema.json":
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)
