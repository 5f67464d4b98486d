"""A fake AWS: IAM, STS, ECR, ECR Public and Secrets Manager, and a gate that enforces their policies.

moto keeps IAM, ECR's control plane and the secrets, inside this process. Signatures, sessions, tokens and every yes or no are
judged here, because moto says yes to inactive keys, absent roles and foreign repositories.
"""

from pullgrant.sandbox.aws.cloud import Aws

__all__ = ["Aws"]
