"""Harbor: a robot account that may pull from one project."""
