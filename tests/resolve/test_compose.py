"""What a compose file pulls."""

from pullgrant.resolve.compose import variables
from pullgrant.resolve.files import contents

TEXT = """\
x-base: &base
  image: reg.example/base:${TAG:-v1}
services:
  one:
    <<: *base
  two:
    image: ${REGISTRY}/two
  three:
    build: ./web
  four:
    build: {context: ctx, dockerfile: D}
    image: reg.example/four
  five:
    image: "x${MISSING}"
    ports: !reset []
include:
  - other.yaml
"""


def test_services_with_variables():
    """A service's image would be missed, or looked at with its variable in it."""
    found = contents(TEXT, "compose.yaml", {"REGISTRY": "ghcr.io/acme"})
    assert [(one.text, one.where) for one in found.found] == [
        ("reg.example/base:v1", "compose.yaml:5 service one"),
        ("ghcr.io/acme/two", "compose.yaml:7 service two"),
        ("reg.example/four", "compose.yaml:12 service four"),
    ]


def test_what_is_not_in_the_file():
    """Images that are built, missing variables and other files would be left out without a word."""
    found = contents(TEXT, "compose.yaml", {"REGISTRY": "r.example"})
    assert [(one.text, one.where, one.why) for one in found.unread] == [
        (
            "./web/Dockerfile",
            "compose.yaml:9 service three",
            "is built here; see: pullgrant resolve --from ./web/Dockerfile",
        ),
        (
            "x${MISSING}",
            "compose.yaml:14 service five",
            "depends on MISSING, which has no value here: set it, or put it into .env",
        ),
        ("include", "compose.yaml:17", "names other files, which are not followed"),
    ]


def test_an_environment_file():
    """A value of .env would keep its quotes or its comment, and name another image."""
    text = "# c\nexport A=1\nB = 'x # y' # z\nC=\"q\"\nD=v # c\nE=a#b\nnot a line\nF=\n"
    assert variables(text) == {"A": "1", "B": "x # y", "C": "q", "D": "v", "E": "a#b", "F": ""}
