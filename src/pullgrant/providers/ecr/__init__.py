"""Amazon ECR: a role, or a user, that may pull from named repositories, and its twelve-hour token."""
