"""A fake GitHub: tokens of every kind, packages, and ghcr.io."""

from pullgrant.sandbox.ghcr.cloud import Ghcr

__all__ = ["Ghcr"]
