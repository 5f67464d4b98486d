"""Variables in compose files and Dockerfiles."""

import pytest

from pullgrant.resolve.variables import OpenError, fill

VALUES = {"A": "1", "EMPTY": "", "NAME": "app"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("$NAME:${A}", "app:1"),
        ("${NAME}-x", "app-x"),
        ("${NO:-d}${EMPTY:-e}${EMPTY-f}", "de"),
        ("${NO-d}", "d"),
        ("${A:+yes}${EMPTY:+no}${EMPTY+set}", "yesset"),
        ("${NO:-${A:-x}}", "1"),
        ("${NO:-a{b}c}", "a{b}c"),
        ("${A?must}${A:?must}", "11"),
        ("$$A", "$A"),
        ("cost 5$", "cost 5$"),
    ],
)
def test_what_compose_fills_in(text, filled):
    """Another image would be looked at than the one that compose pulls."""
    assert fill(text, VALUES, escape="$") == filled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$NO", "depends on NO"),
        ("${NO}", "depends on NO"),
        ("${NO:-$ALSO}", "depends on ALSO"),
        ("${EMPTY:?give it}", "needs EMPTY"),
        ("${A", "does not close"),
        ("${A/1/2}", "not read here"),
    ],
)
def test_what_cannot_be_told(text, words):
    """A reference with a hole in it would be taken for an image."""
    with pytest.raises(OpenError) as caught:
        fill(text, VALUES, escape="$")
    assert words in str(caught.value)


def test_a_dockerfile_escapes_with_a_backslash():
    """A dollar sign that is meant as one would be taken for a variable."""
    assert fill(r"\$A$A", VALUES, escape="\\") == "$A1"
