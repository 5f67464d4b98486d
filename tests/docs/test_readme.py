"""The README is run and compared, not trusted."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pullgrant import catalog, errors
from pullgrant.cli import namespace
from pullgrant.sandbox.run import Sandbox

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(page for page in ROOT.glob("**/*.md") if ".venv" not in page.parts)
BIN = Path(sys.executable).parent
BLOCKS = re.findall(r"(?:<!-- block: (\w+) -->\n)?```sh\n(.*?)```", README, re.DOTALL)
# What stands for the reader's own names, and what the sandbox calls the same things.
NAMES = {"my-project": "demo", "europe-docker": "europe-west1-docker", "myregistry": "demo"}


def table(head: str) -> dict[str, str]:
    """Return the first two columns of the README's table with this head."""
    rows = README[README.index(head) :].split("\n\n")[0].splitlines()[2:]
    return {cells[0].strip(): cells[1].strip() for row in rows if (cells := row.strip("| ").split(" | "))}


@pytest.mark.parametrize("words", [block for name, block in BLOCKS if not name])
def test_every_block_runs(words, tmp_path):
    """A command that a reader types off the page would fail."""
    with Sandbox() as box:
        env = os.environ | box.environment() | {"PYTHONPATH": str(ROOT / "src")}
        env["PATH"] = f"{env['PATH'].split(os.pathsep)[0]}{os.pathsep}{BIN}{os.pathsep}{env['PATH']}"
        for line in words.strip().splitlines():
            for name, ours in NAMES.items():
                line = line.replace(name, ours)
            argv = shlex.split(line)
            argv[:1] = [sys.executable, "-m", "pullgrant"] if argv[0] == "pullgrant" else argv[:1]
            done = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_the_two_commands(tmp_path):
    """The face of the product would show two commands that do not work; installing is what CI itself does."""
    named = {name: block.strip() for name, block in BLOCKS if name}
    assert list(named) == ["first", "second"]
    install, first = named["first"].rsplit(" && ", 1)
    assert install.startswith("python3 -m venv .venv && .venv/bin/pip install")
    argv = shlex.split(first.replace(".venv/bin/", f"{BIN}/"))
    env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, "proven" in done.stdout, "sink" in done.stdout) == (0, True, True), done.stderr
    assert named["second"].endswith("&& .venv/bin/invoke dev.check")
    assert ".venv/bin/invoke dev.check" in (ROOT / ".ci" / "run").read_text()


def test_the_tables_of_providers_and_sinks_are_complete():
    """A provider or a sink would exist that nobody is told of, or be told of and not exist."""
    providers = {name for cell in table("| provider |") for name in re.findall(r"[a-z]+", cell)}
    sinks = {re.match(r"[a-z-]+", cell.strip("`"))[0] for cell in table("| sink |")}
    assert (providers, sinks) == (set(catalog.PROVIDERS), set(catalog.SINKS))


def test_the_table_of_verbs_names_verbs():
    """The page would name a verb that does not exist."""
    known = set(namespace().task_names) | {name.partition(".")[0] for name in namespace().task_names}
    told = {name for cell in table("| verb |") for name in re.findall(r"`([a-z][a-z.-]+)`", cell)}
    assert (told - known, len(told) > 12) == (set(), True)
    shared = {"bootstrap", "status", "rotate", "verify", "revoke"}
    own = {name for name in known if name.partition(".")[2] not in shared and not name.startswith("sandbox.")}
    assert {name for name in own if "." in name or name not in {one.partition(".")[0] for one in own | told}} <= told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """A reader would be sent to a page that is not there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_exit_codes_are_those_of_the_tree():
    """A script that was written off the page would read the codes wrongly."""
    told = {int(code) for code in table("| code |")}
    ours = {
        one.exit_code for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.PullgrantError)
    }
    assert told - {0, 130} == ours


def test_the_tree_of_errors_is_drawn_truly():
    """The docstring would show another tree than the code."""
    drawn = dict(re.findall(r"(\w+) +(\d)   ", errors.__doc__ or ""))
    classes = {
        name: str(one.exit_code)
        for name, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.PullgrantError)
    }
    assert drawn == classes


def test_help_explains_every_option():
    """An option would be a riddle, or its default a surprise."""
    # In a process of its own: invoke hands each help text out once.
    program = (
        "from pullgrant.cli import namespace\n"
        "everything = namespace()\n"
        "for name in everything.task_names:\n"
        "    task = everything[name]\n"
        "    bare = [arg.name for arg in task.get_arguments() if not (arg.help or '').strip()]\n"
        "    print('\\n'.join([*(f'{name} --{one}' for one in bare), *([] if (task.__doc__ or '').strip() else [name])]), end='')\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""


def test_the_list_is_one_line_each():
    """`--list` would not help a newcomer."""
    done = subprocess.run(
        [sys.executable, "-m", "pullgrant", "--list", "--list-format", "json"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    def lines(found):
        yield from (task["help"] for task in found["tasks"])
        for inner in found["collections"]:
            yield from lines(inner)

    helps = list(lines(json.loads(done.stdout)))
    assert [one for one in helps if not one or len(one) > 140 or "\n" in one] == []
