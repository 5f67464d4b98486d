"""A fake Harbor: projects, robots, its token service and its registry."""

from pullgrant.sandbox.harbor.cloud import Harbor

__all__ = ["Harbor"]
