"""Runs all benchmarks, or those named: python -m benchmarks [startup] [gcp] ..."""

import pkgutil
import sys
from importlib import import_module
from pathlib import Path

HELPERS = ("__main__", "bootstrap", "clock", "readers")
ALL = [one.name for one in pkgutil.iter_modules([str(Path(__file__).parent)]) if one.name not in HELPERS]

for name in sys.argv[1:] or ALL:
    module = import_module(f"benchmarks.{name}")
    print(f"\n## {name}\n\n{(module.__doc__ or '').strip()}\n\n{module.main()}", flush=True)
