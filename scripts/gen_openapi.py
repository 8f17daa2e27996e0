"""Writes the OpenAPI document that the browser's types are made from; ``--check`` says whether it is up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from weft.api.application import create_app
from weft.api.config import ApiConfig
from weft.api.ports import ApiDependencies

TARGET = Path(__file__).resolve().parent.parent / "frontend/src/api/openapi.json"


def document() -> str:
    """The document as text, stable from run to run."""
    nothing = cast("Any", None)  # the routes are described, none is called
    app = create_app(ApiDependencies(ApiConfig(), data_dir=Path(), state=nothing, questions=nothing))
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` compare."""
    text = document()
    if arguments == ["--check"]:
        fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        if not fresh:
            print(f"{TARGET.name} is out of date: run ./dev types", file=sys.stderr)
        return 0 if fresh else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
