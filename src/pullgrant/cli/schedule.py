"""`schedule`: prints what keeps `rotate` running."""

from __future__ import annotations

import os
import shutil
import sys
import zlib
from pathlib import Path

from pullgrant import __version__
from pullgrant.catalog import Catalog
from pullgrant.cli.job import NAME, Job
from pullgrant.cli.options import NARROW, OUTPUT, Opt
from pullgrant.cli.session import LEDGER, chosen, open_catalog
from pullgrant.cli.units import FORMATS
from pullgrant.cli.verb import Given, verb
from pullgrant.errors import UsageError

EXTRAS = {"azure": "azure", "ecr": "aws", "gcp": "gcp"}


@verb(
    *NARROW,
    Opt(name="format", default="cron", help=f"{', '.join(FORMATS)}."),
    Opt(name="out", help="Folder to write the file or files into. Default: they are printed."),
    *OUTPUT,
)
def schedule(given: Given) -> None:
    """Print a ready unit that runs `rotate` as often as the readers in the ledger need it; asks nobody."""
    from pullgrant.cli.render import emit

    if given.format not in FORMATS:
        raise UsageError(f"--format {given.format!r} is not known", hint=f"Give one of: {', '.join(FORMATS)}.")
    with open_catalog(given) as opened:
        job = _job(opened, given)
    files = FORMATS[given.format](job)
    if given.out:
        folder = Path(given.out).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    document = {"format": given.format, "every_minutes": job.minutes, "why": job.why, "files": files}
    written = [f"wrote {Path(given.out).expanduser() / name}" for name in files] if given.out else []
    printed = [text if len(files) == 1 else f"# {name}\n{text}" for name, text in files.items()]
    emit(document, written or ["\n".join(printed).rstrip("\n")], as_json=given.json)


def _job(opened: Catalog, given: Given) -> Job:
    from pullgrant.flows.status import standing
    from pullgrant.flows.timetable import timetable

    readers = chosen(opened.ledger, given)
    table = timetable([standing(one, opened.ledger.history(one.id)) for one in readers])
    minutes = int(table.every.total_seconds() // 60)
    why = f"Every {minutes} minutes: "
    why += f"a quarter of the shortest span, which is {table.of}." if table.of else "the ledger holds no reader yet."
    providers = tuple(sorted({one.provider for one in readers}))
    extras = sorted({EXTRAS[name] for name in providers if name in EXTRAS} | {"postgresql"})
    return Job(
        every=table.every,
        minute=zlib.crc32(opened.ledger.id.encode()) % 60,
        why=why,
        program=_program(),
        requirement=f"pullgrant[{','.join(extras)}]=={__version__}",
        providers=providers,
        ledger=_ledger_file(),
    )


def _program() -> tuple[str, ...]:
    """Return the program with its path: a scheduler's PATH is not the user's."""
    beside = Path(sys.executable).with_name("pullgrant")
    found = str(beside) if beside.is_file() else shutil.which("pullgrant")
    return (found,) if found else (sys.executable, "-m", "pullgrant")


def _ledger_file() -> str:
    """Return the ledger as the unit may name it: a file by its whole path, a database, which has a password, never."""
    given = os.environ.get(LEDGER, "")
    path = given.removeprefix("sqlite:///")
    return str(Path(path).expanduser().absolute()) if path and "://" not in path else ""


__all__ = ["NAME", "schedule"]
