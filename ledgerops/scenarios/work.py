"""What a client in a database of its own does with a scenario, as the benchmarks' clients do their work."""

import json
import time
from pathlib import Path
from typing import Any

from ledgerops.scenarios.judge import judge, outcome_of
from ledgerops.scenarios.load import load
from ledgerops.scenarios.shapes import from_json


def judge_file(*, path: str, shuffled: int | None = None) -> dict[str, Any]:
    """Load a scenario's file, run it, and return the verdict with the seconds that loading and running took."""
    scenario = from_json(json.loads(Path(path).read_text(encoding="utf-8")))
    started = time.perf_counter()
    defined = load(scenario, shuffled=shuffled)
    seconds = time.perf_counter() - started
    return {"name": scenario.name, **judge(scenario, outcome_of(defined.reconciliation)).as_json(), "seconds": round(seconds, 1)}
