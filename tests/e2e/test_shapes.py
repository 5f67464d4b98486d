"""Every request that this product sends to Google's REST APIs, and every answer of the fake, by Google's own documents.

Calls over gRPC need no judge: their messages are made and read by Google's package.
"""

from __future__ import annotations

import pytest

from pullgrant.sandbox.countries import load
from pullgrant.sandbox.run import Sandbox
from sandbox.google.discovery import UNDESCRIBED, Discovery, RecordingGoogle

BOOTSTRAP = ("gcp.bootstrap", "--project", "demo")
REVOKE = ("revoke", "--reader", "docker-reader", "--yes")
READER = "docker-reader@demo.iam.gserviceaccount.com"
RUNS = {
    "json-key": [BOOTSTRAP, BOOTSTRAP, (*BOOTSTRAP, "--rotate-now"), ("rotate", "--now"), ("verify",), REVOKE],
    "access-token": [
        ("gcp.bootstrap", "--project", "locked", "--credential", "access-token"), ("rotate", "--now"), ("verify",), REVOKE,
    ],
    "legacy": [("gcp.bootstrap", "--project", "legacy"), ("verify",), REVOKE],
    "project": [(*BOOTSTRAP, "--scope", "project"), ("verify",), BOOTSTRAP, REVOKE],
    "another registry": [(*BOOTSTRAP, "--registry", "us-docker.pkg.dev/demo/private"), ("verify",), REVOKE],
}  # fmt: skip
REFUSED = ("disabled", "denied", "nowhere", "empty", "public")


@pytest.fixture(scope="module")
def box():
    with Sandbox(factories={**load(), "google": RecordingGoogle}) as box:
        yield box


@pytest.fixture
def google(house):
    google = house.box.countries["google"]
    google.recorded.clear()
    return google


def faults(google):
    """Return what is wrong with anything that went over the wire."""
    discovery = Discovery()
    return [
        fault
        for kind, request, response in google.recorded
        if kind not in UNDESCRIBED
        for fault in (*discovery.request(request), *discovery.answer(request, response))
    ]


def kinds(google):
    return {kind for kind, _, _ in google.recorded}


@pytest.mark.parametrize("name", RUNS)
def test_a_reader_from_its_making_to_its_end(house, google, name):
    """The fake would take, or give, what Google does not."""
    for argv in RUNS[name]:
        done = house.run(*argv)
        assert done.code == 0, (argv, done.err)
    assert faults(google) == []
    asked = {"resourcemanager.getIamPolicy", "serviceusage.batchGet"}
    asked |= {"storage.getIamPolicy", "storage.setIamPolicy"} if name == "legacy" else {"artifactregistry.getIamPolicy"}
    asked |= {"iamcredentials.generateAccessToken"} if name == "access-token" else {"orgpolicy.getEffectivePolicy"}
    asked |= {"resourcemanager.setIamPolicy"} if name == "project" else set()
    assert asked - kinds(google) == set()


def test_an_adopted_reader(house, google):
    """What tightens an account that was made by hand would be sent in a form that Google does not take."""
    from pullgrant.kit.http import Http
    from pullgrant.providers.gcp.policy import with_member
    from pullgrant.providers.gcp.seam import Seam

    http = Http()
    seam = Seam("demo", http)
    seam.create_account("docker-reader", "made by hand", "")
    whole, _ = with_member(seam.get_project_policy("demo"), "roles/artifactregistry.reader", f"serviceAccount:{READER}")
    seam.set_project_policy("demo", whole)
    http.close()
    assert [house.run(*argv).code for argv in ((*BOOTSTRAP, "--adopt"), REVOKE)] == [0, 0]
    assert faults(google) == []
    assert {"resourcemanager.setIamPolicy", "artifactregistry.setIamPolicy"} <= kinds(google)


@pytest.mark.parametrize("project", REFUSED)
def test_refusals(house, google, project):
    """A refusal of the fake would be read, and one of Google's not."""
    house.run("gcp.bootstrap", "--project", project)
    assert (faults(google), kinds(google) != set()) == ([], True)


def test_the_judge_says_no(house, google):
    """A judge that finds nothing would prove nothing."""
    from dataclasses import replace

    house.run(*BOOTSTRAP)
    kind, request, response = next(one for one in google.recorded if one[0] == "artifactregistry.setIamPolicy")
    google.recorded[:] = [
        (kind, replace(request, body=b'{"policy": {"binding": []}}'), response),
        (kind, replace(request, path=request.path.replace("/v1/", "/v9/")), response),
        (kind, request, replace(response, json={**response.json, "tag": "x"})),
    ]
    assert len(faults(google)) >= 3
