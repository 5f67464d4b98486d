"""Docker Hub: an organisation access token for named repositories, or a personal access token of one account."""
