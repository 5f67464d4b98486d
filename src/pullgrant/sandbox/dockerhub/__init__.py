"""A fake Docker Hub: its management API, its token service and its registry."""

from pullgrant.sandbox.dockerhub.cloud import DockerHub

__all__ = ["DockerHub"]
