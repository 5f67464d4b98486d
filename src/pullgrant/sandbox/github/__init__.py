"""A fake of GitHub's API for the secrets of Actions."""

from pullgrant.sandbox.github.cloud import Github

__all__ = ["Github"]
