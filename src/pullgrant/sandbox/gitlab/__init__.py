"""A fake GitLab: projects, groups, deploy tokens, its token service and its registry."""

from pullgrant.sandbox.gitlab.cloud import GitLab

__all__ = ["GitLab"]
