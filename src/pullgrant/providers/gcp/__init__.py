"""Google Cloud: a service account that reads one Artifact Registry repository, or the bucket of an old gcr.io host."""
