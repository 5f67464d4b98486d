"""Azure: an Entra service principal, or a repository-scoped token, that reads one Azure Container Registry."""
