"""Holds every vector file against its schema."""

import json
import pathlib

import jsonschema

root = pathlib.Path(__file__).resolve().parent.parent
for folder, pattern in [("vectors", "*.json"), ("proofs", "*/v*/vectors.json")]:
    schema = json.loads((root / folder / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in sorted((root / folder).glob(pattern)):
        if path.name != "schema.json":
            jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)
