"""`dev.*`: what the developers of pullgrant run, and what continuous integration runs."""

import os
import sys
from pathlib import Path

from invoke import Context, task

ROOT = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent


def _run(c: Context, command: str) -> None:
    with c.cd(str(ROOT)):
        path = os.pathsep.join((str(BIN), os.environ.get("PATH", os.defpath)))
        c.run(f"{BIN}/{command}", echo=True, pty=False, env={"PYTHONPATH": str(ROOT / "src"), "PATH": path})


@task
def lint(c: Context) -> None:
    """Check format, lint, types and import contracts."""
    _run(c, "ruff format --check .")
    _run(c, "ruff check .")
    _run(c, "mypy")
    _run(c, "lint-imports")


@task(help={"select": "Only tests that match this expression (pytest -k)."})
def test(c: Context, select: str = "") -> None:
    """Run all tests with branch coverage; those that need a missing program are skipped, and fail in CI."""
    chosen = f" -k '{select}'" if select else " --cov --cov-report=term:skip-covered --cov-fail-under=94"
    _run(c, f"python -m pytest -q -n 2 --dist loadfile{chosen}")


@task(default=True)
def check(c: Context) -> None:
    """Check everything: format, lint, types, import contracts, tests, docs drift. This is what CI runs."""
    lint(c)
    test(c)


@task(help={"kind": "provider or sink.", "name": "Its name, in lower case with dashes."})
def new(c: Context, kind: str, name: str) -> None:
    """Write the skeleton of a new provider or sink, which its contract suite then holds to the same questions."""
    import devskeleton

    for path in devskeleton.write(ROOT, kind, name):
        print(f"wrote {path.relative_to(ROOT)}")
    print(devskeleton.NEXT[kind])
