"""A fake Azure: sign-in, Microsoft Graph, Resource Manager, and a gate for its container registries."""

from pullgrant.sandbox.azure.cloud import Azure

__all__ = ["Azure"]
