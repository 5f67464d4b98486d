"""Runs all benchmarks, or those named: python -m benchmarks [startup] [gcp] ..."""

import sys
from importlib import import_module

ALL = ("startup", "gcp")

for name in sys.argv[1:] or ALL:
    module = import_module(f"benchmarks.{name}")
    print(f"\n## {name}\n\n{module.__doc__.strip()}\n\n{module.main()}", flush=True)
