"""`dev.*`: what the developers of pullgrant run, and what continuous integration runs."""

from invoke import Context, task


@task(default=True)
def lint(c: Context) -> None:
    """Check format and lint."""
    c.run("ruff format --check . && ruff check .")
