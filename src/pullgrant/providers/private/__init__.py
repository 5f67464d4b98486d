"""Any registry that has no provider of its own: a user that exists already, proven and delivered, never made or ended."""
