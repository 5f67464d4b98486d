"""pullgrant gives a deployment platform read-only access to a private container registry and keeps it working."""

__version__ = "0.1.0"
