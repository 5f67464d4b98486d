"""What a Dockerfile pulls."""

import pytest

from pullgrant.resolve.dockerfile import contents, is_one


def images(text):
    return [one.text for one in contents(text, "Dockerfile").found]


def test_stages_arguments_and_places():
    """Base images would be missed, or a stage's name be taken for an image on Docker Hub."""
    text = """\
# syntax=docker/dockerfile:1
ARG REGISTRY=reg.example TAG="v1"
ARG BASE=${REGISTRY}/base:${TAG}
from --platform=$BUILDPLATFORM ${BASE} as Build
ARG TAG=v2
RUN make
FROM build AS test
FROM scratch
COPY --from=build /a /a
COPY --from=0 /b /b
COPY --chown=1:1 --from=nginx:1.27 /etc/nginx /etc
RUN --mount=type=cache,target=/x --mount=type=bind,from=busybox,source=/bin,target=/y true
"""
    found = contents(text, "d/Dockerfile").found
    assert [(one.text, one.where) for one in found] == [
        ("docker/dockerfile:1", "d/Dockerfile:1 syntax"),
        ("reg.example/base:v1", "d/Dockerfile:4 FROM"),
        ("nginx:1.27", "d/Dockerfile:11 COPY --from"),
        ("busybox", "d/Dockerfile:12 RUN --mount"),
    ]


def test_continued_lines_and_comments_between_them():
    """An image on the second line of its instruction would be missed."""
    assert images("FROM \\\n# a comment\n\n  reg.example/a:1 \\\n  AS one\nFROM one\n") == ["reg.example/a:1"]


def test_the_escape_directive():
    """A Windows Dockerfile would be read with the wrong continuation character."""
    assert images("# escape=`\nFROM `\n  reg.example/a:1\n") == ["reg.example/a:1"]


def test_a_here_document_is_no_instruction():
    """A line of SQL in a here-document would be taken for a base image."""
    text = "FROM a:1\nRUN <<-EOF psql\n\tSELECT x\n\tFROM users\n\tEOF\nCOPY <<'A' <<B /x/\nFROM c\nA\nFROM d\nB\nFROM b:1\n"
    assert images(text) == ["a:1", "b:1"]


def test_what_looks_like_a_here_document_and_has_no_end():
    """The rest of the file would be swallowed by two signs in a shell command."""
    assert images("FROM a:1\nRUN echo $((1 <<EOF\nFROM b:1\n") == ["a:1", "b:1"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ARG TAG\nFROM a:$TAG\n", "depends on TAG, which has no value here"),
        ("FROM a:v1 AS one\nARG TAG=v1\nFROM a:$TAG\n", "depends on TAG, which has no value here"),
        ("FROM base-${TARGETARCH}\n", "depends on TARGETARCH, which has no value here; the build sets it for each platform"),
        ("FROM a:1\nCOPY --from=$X / /\n", "has a variable, which is not filled in there"),
        ("ARG A=$B\nFROM $A\n", "depends on A, which has no value here"),
    ],
)
def test_what_the_file_alone_does_not_tell(text, why):
    """An image that depends on the build would be left out without a word, or be made up."""
    assert [one.why for one in contents(text, "Dockerfile").unread] == [why]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("FROM a", True),
        ("# c\n\nARG A=1\nFROM a", True),
        ("from a", True),
        ("FROM", False),
        ("kind: Pod", False),
        ("", False),
    ],
)
def test_telling_one_by_its_content(text, answer):
    """A Dockerfile under another name would be read as YAML."""
    assert is_one(text) is answer
