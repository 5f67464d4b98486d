"""Asks a live registry what a credential may do: its challenge, token and manifest calls."""

from pullgrant.probe.probe import Probe
from pullgrant.probe.step import Stage, Step

__all__ = ["Probe", "Stage", "Step"]
