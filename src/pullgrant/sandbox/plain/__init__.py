"""Two registries of no cloud: one with a token service and roles, one with passwords alone."""

from pullgrant.sandbox.plain.cloud import Plain

__all__ = ["Plain"]
