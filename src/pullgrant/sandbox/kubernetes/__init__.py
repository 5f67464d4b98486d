"""A fake Kubernetes API server: namespaces, secrets and service accounts, with the answers that a real one gives."""

from __future__ import annotations

from pullgrant.sandbox.kubernetes.cluster import HOST, Kubernetes

__all__ = ["HOST", "Kubernetes"]
