"""A fake Quay: an organisation's robots and permissions, its token service and its registry."""

from pullgrant.sandbox.quay.cloud import Quay

__all__ = ["Quay"]
