"""Quay: a robot account that may read named repositories of an organisation."""
