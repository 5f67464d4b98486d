"""`docker-credential-pullgrant`: fresh registry tokens for docker, podman and skopeo, in the credential helper protocol.

What it answers from its cache is read without any package but the standard library's smallest.
"""
