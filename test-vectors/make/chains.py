"""Computes the hashes of ceremony transcripts once more, and holds them against those in ceremony/v1/chains.json."""

import hashlib
import json
import pathlib


def canonical(value):
    """RFC 8785, for keys in ASCII and whole numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(label, value):
    return hashlib.sha256(label.encode() + canonical(value)).hexdigest()


path = pathlib.Path(__file__).resolve().parent.parent / "ceremony" / "v1" / "chains.json"
for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]:
    transcript, expected = vector["inputs"]["transcript"], vector["expected"]
    previous = sha256("avouch/ceremony/start/v1", transcript["head"])
    assert previous == expected["start_hash"], vector["name"]
    hashes = []
    for contribution in transcript["contributions"]:
        assert contribution["previous"] == previous, vector["name"]
        told = contribution.pop("hash")
        previous = sha256("avouch/ceremony/contribution/v1", contribution)
        assert previous == told, vector["name"]
        contribution["hash"] = told
        hashes.append(previous)
    assert hashes == expected["hashes"], vector["name"]
    assert sha256("", transcript) == expected["transcript_hash"], vector["name"]
