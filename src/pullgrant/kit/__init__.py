"""The doors to the outside: the only HTTP client, the only subprocess, private files, retry, redaction, parallel calls."""
