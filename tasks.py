"""What `invoke` runs in a checkout: the verbs of pullgrant, and `dev` for its developers."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import devtasks  # noqa: E402
from invoke import Collection  # noqa: E402

from pullgrant.cli import namespace  # noqa: E402

ns = namespace()
ns.add_collection(Collection.from_module(devtasks, name="dev"))
