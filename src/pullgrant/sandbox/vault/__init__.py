"""A fake Vault server with a KV version 2 engine that insists on check-and-set."""

from pullgrant.sandbox.vault.cloud import Vault

__all__ = ["Vault"]
