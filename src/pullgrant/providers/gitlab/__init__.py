"""GitLab: a deploy token that may read the container registry of one project or group."""
