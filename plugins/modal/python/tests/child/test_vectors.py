"""The protocol's examples against the schema, and against the code that reads messages."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from cloudctl_modal.credentials import _read_environment
from cloudctl_modal.decode import MisfitError
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.params import READERS, read_message

from .driver import PROTOCOL

SCHEMA = json.loads((PROTOCOL / "schema.json").read_text())
KINDS = {"requests": "ParentMessage", "replies": "Reply", "notifications": "Notification", "credentials": "Credentials"}
VECTORS = {kind: json.loads((PROTOCOL / "vectors" / f"{kind}.json").read_text()) for kind in KINDS}

# The repository has a JSON Schema validator, in the TypeScript side's language.
_VALIDATE = """
const Ajv = require('ajv/dist/2020').default;
let text = '';
process.stdin.on('data', part => { text += part; }).on('end', () => {
  const {schema, checks} = JSON.parse(text);
  const ajv = new Ajv({strict: true, strictRequired: false, strictTypes: false, allErrors: false});
  ajv.addSchema(schema, 's');
  console.log(JSON.stringify(checks.map(([name, value]) => ajv.getSchema('s#/$defs/' + name)(value))));
});
"""


def validate(checks: list[tuple[str, Any]]) -> list[bool]:
    """Whether each value fits the definition of the schema that is named."""
    node = shutil.which("node")
    root = PROTOCOL.parents[2]
    if node is None or not (root / "node_modules" / "ajv").is_dir():
        pytest.skip("needs node and the repository's node_modules")
    done = subprocess.run(
        [node, "-e", _VALIDATE],
        cwd=root,
        input=json.dumps({"schema": SCHEMA, "checks": checks}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers: list[bool] = json.loads(done.stdout)
    return answers


def test_vectors_fit_the_schema() -> None:
    vectors = [(kind, vector) for kind in KINDS for vector in VECTORS[kind]]
    checks: list[tuple[str, Any]] = [(KINDS[kind], vector["message"]) for kind, vector in vectors]
    answers = validate(checks)
    results = [
        index for index, (_, vector) in enumerate(vectors) if "method" in vector and "result" in vector["message"]
    ]
    deeper = validate([(f"{vectors[i][1]['method']}.result", vectors[i][1]["message"]["result"]) for i in results])
    for index, fits in zip(results, deeper, strict=True):
        answers[index] = answers[index] and fits
    wrong = [vector["name"] for (_, vector), fits in zip(vectors, answers, strict=True) if fits != vector["valid"]]
    assert wrong == []


@pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda vector: str(vector["name"]))
def test_requests_are_read_as_the_schema_says(vector: dict[str, Any]) -> None:
    if vector["valid"]:
        read_message(vector["message"])
    else:
        with pytest.raises(BridgeError):
            read_message(vector["message"])


@pytest.mark.parametrize("vector", VECTORS["credentials"], ids=lambda vector: str(vector["name"]))
def test_credentials_are_read_as_the_schema_says(vector: dict[str, Any]) -> None:
    data = json.dumps(vector["message"]).encode()
    if vector["valid"]:
        assert _read_environment(data) == vector["message"]["environment"]
    else:
        with pytest.raises(MisfitError):
            _read_environment(data)


def test_every_method_is_in_the_schema() -> None:
    assert {name.removesuffix(".params") for name in SCHEMA["$defs"] if name.endswith(".params")} == set(READERS)
