"""A fake Google Cloud: IAM over gRPC and REST, policies of projects, repositories and buckets, tokens, and a gate."""

from pullgrant.sandbox.google.cloud import Google

__all__ = ["Google"]
