"""The verbs, written once. A flow knows ports and values, never a cloud, a platform, a file or the time by itself."""
