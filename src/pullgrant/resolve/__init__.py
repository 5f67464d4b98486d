"""Finds images in the files of a deployment, and says under which key each tool looks for their credential."""
