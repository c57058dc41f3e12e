"""`manage.py recon_scenario`: how right and how complete the matching of a labelled reconciliation is."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledgerops.bench.clients import product_clients
from ledgerops.bench.server import bench_server
from ledgerops.scenarios.generate import generate
from ledgerops.scenarios.shapes import Scenario, ScenarioRefused, from_json, written

WRONG_SHOWN = 50


class Command(BaseCommand):
    """Loads a scenario into a database of its own, runs it, and says what is right; fails where a match is wrong."""

    help = "Match a labelled reconciliation, from a file (docs/scenarios.md) or a seed, in a throw-away database, and judge the matches."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", nargs="?", type=Path, help="a scenario's file; without it one is generated from the seed")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same scenario")
        parser.add_argument("--items", type=int, default=1000, help="about how many items are generated")
        parser.add_argument("--populations", type=int, choices=(2, 3), default=2, help="between how many sides")
        parser.add_argument("--shuffle", type=int, help="let items come in the order of this seed instead of their own")
        parser.add_argument("--write", type=Path, metavar="FILE", help="write the scenario there as well")
        parser.add_argument("--no-run", action="store_true", help="only read or generate, and write")
        parser.add_argument("--json", action="store_true", help="print the verdict as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read or generate, load and run, print, and exit with 1 if a match is wrong."""
        text = written(self._scenario(options))
        if options["write"]:
            options["write"].write_text(text, encoding="utf-8")
        if options["no_run"]:
            return
        with tempfile.TemporaryDirectory(prefix="ledgerops-scenario-") as folder:
            path = Path(folder) / "scenario.json"
            path.write_text(text, encoding="utf-8")
            with bench_server() as server, product_clients(server) as product:
                (verdict,) = product.ask("judge_scenario", path=str(path), shuffled=options["shuffle"])
        self.stdout.write(json.dumps(verdict, indent=2) if options["json"] else _shown(verdict))
        if verdict["wrong"]:
            raise SystemExit(1)

    def _scenario(self, options: dict[str, Any]) -> Scenario:
        if options["file"] is None:
            return generate(seed=options["seed"], items=options["items"], populations=options["populations"])
        try:
            # Some editors put a byte order mark first.
            return from_json(json.loads(options["file"].read_text(encoding="utf-8-sig")))
        except (OSError, ValueError, ScenarioRefused) as error:
            raise CommandError(f"{options['file']}: {error}") from error


def _shown(verdict: dict[str, Any]) -> str:
    lines = [
        f"{verdict['name']}: {verdict['items']} items, {verdict['matches']} automatic matches, {verdict['seconds']} s",
        f"precision {verdict['precision']:.3f}   recall {_recall(verdict['recall'])}",
        "",
        f"{'scenario':<22}{'recall by count':>18}{'by value':>12}   of what a machine may decide",
    ]
    for name, one in verdict["scenarios"].items():
        lines.append(f"{name:<22}{one['by_count']:>18.3f}{one['by_value']:>12.3f}   {one['items']} of {one['of']} items")
    lines += ["", f"{'scenario':<22}items in a break of the type expected"]
    lines += [f"{name:<22}{one['right']} of {one['of']}" for name, one in verdict["breaks"].items()]
    suggested = verdict["suggested"]
    lines += ["", f"of what only a person may decide, {suggested['groups']} of {suggested['of']} groups were suggested", ""]
    lines.append(f"{len(verdict['wrong'])} wrong matches")
    for one in verdict["wrong"][:WRONG_SHOWN]:
        belongs = "; ".join(", ".join(group) for group in one["truth"]) or "no group"
        lines.append(f"  {one['pass']} ({', '.join(one['scenarios'])}): {', '.join(one['items'])} where the truth says {belongs}")
    if len(verdict["wrong"]) > WRONG_SHOWN:
        lines.append(f"  and {len(verdict['wrong']) - WRONG_SHOWN} more; --json lists them all")
    return "\n".join(lines)


def _recall(share: dict[str, Any]) -> str:
    return f"{share['by_count']:.3f} by count, {share['by_value']:.3f} by value"
