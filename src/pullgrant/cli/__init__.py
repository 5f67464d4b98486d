"""The command line: one invoke collection with two faces, `invoke` beside tasks.py and the program `pullgrant`."""

from __future__ import annotations

from importlib import import_module

from invoke import Collection

from pullgrant.cli import readers
from pullgrant.cli.program import PullgrantProgram

COLLECTIONS = (
    "akash",
    "akka",
    "azure",
    "dockerhub",
    "ecr",
    "gcp",
    "ghcr",
    "gitlab",
    "harbor",
    "private",
    "quay",
    "sandbox",
    "sinks",
)
LONE = ("diagnose", "doctor", "resolve", "rotate", "schedule")  # verbs with a module of their own name


def namespace() -> Collection:
    """Return all verbs of the product."""
    everything = Collection("pullgrant")
    for name in ("status", "verify", "revoke", "recover"):
        everything.add_task(getattr(readers, name))
    for name in LONE:
        everything.add_task(getattr(import_module(f"pullgrant.cli.{name}"), name))
    for name in COLLECTIONS:
        everything.add_collection(import_module(f"pullgrant.cli.{name}").collection())
    return everything


program = PullgrantProgram(namespace())
