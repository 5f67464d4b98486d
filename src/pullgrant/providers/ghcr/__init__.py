"""GitHub's container registry: a token that somebody made by hand, judged, proven and delivered."""
