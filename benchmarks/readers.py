"""Makes many ECR readers on a sandbox in a short time: their roles by the provider's own calls, and a ledger that knows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pullgrant.catalog import slot
from pullgrant.flows.journal import Journal
from pullgrant.kit.clock import SystemClock
from pullgrant.kit.together import all_of
from pullgrant.ledger import open_ledger
from pullgrant.model.credential import Receipt, Slot
from pullgrant.model.operation import Close, Delivered, Delivering, Ensured, Intent, Issuing, KeyIssued
from pullgrant.model.reader import Grant, Identity, Key, Reader
from pullgrant.ports import Ledger
from pullgrant.providers.ecr.identity import ReaderIdentity, Standing
from pullgrant.providers.ecr.seam import Pool, Seam
from pullgrant.providers.ecr.settings import Settings
from pullgrant.sandbox.registry.images import MANIFEST_TYPE, build
from pullgrant.sandbox.run import Sandbox
from pullgrant.secret import Secret

PROFILES = {"123456789012": "default", "210987654321": "other"}
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2")
PAIRS = [(account, region) for account in PROFILES for region in REGIONS]
REPOSITORIES = ("bench/app", "bench/other")
LIFE = timedelta(hours=12)


def stock(box: Sandbox) -> None:
    """Put an image into two repositories of each pair: one that the readers may pull, and one that they may not."""
    import boto3

    images: Any = box.countries["aws"].state.images  # type: ignore[attr-defined]
    for account, region in PAIRS:
        client = boto3.Session(profile_name=PROFILES[account]).client("ecr", region_name=region)
        for name in REPOSITORIES:
            client.create_repository(repositoryName=name)
            manifest = build(name, "v1").manifest.body.decode()
            client.put_image(
                repositoryName=name, imageManifest=manifest, imageManifestMediaType=MANIFEST_TYPE, imageTag="v1"
            )
            images[account, region][name] = ("v1",)


def move_in(count: int, ledger_url: str, *, own_roles: bool, slots: int, folder: Path) -> None:
    """Write `count` readers, spread over the pairs, into a new ledger, and make their roles: one each, or one for each pair."""
    clock = SystemClock()
    with open_ledger(ledger_url, clock) as ledger:
        pool = Pool()
        roles = all_of(
            lambda index: _role(index, ledger.id, pool), range(count if own_roles else min(count, len(PAIRS))), at_once=8
        )
        for index in range(count):
            role = roles[index % len(roles)]
            reader = (_settings(index) if own_roles else _settings(index, role_arn=role)).to_reader()
            wanted = [slot(f"docker-config:{folder}/{index}-{each}.json", server=reader.host) for each in range(slots)]
            _deliver(ledger, reader, Identity(id=role, label=reader.name), wanted)


def _settings(index: int, role_arn: str = "") -> Settings:
    account, region = PAIRS[index % len(PAIRS)]
    return Settings.parse(
        account=account,
        region=region,
        repository=REPOSITORIES[:1],
        reader=f"reader-{index}",
        profile=PROFILES[account],
        role_arn=role_arn,
    )


def _role(index: int, owner: str, pool: Pool) -> str:
    """Create a role as `ecr.bootstrap` does, without its looks; return its ARN."""
    settings = _settings(index)
    seam = Seam(registry=settings.registry, sign_in=pool.sign_in(settings.profile), timer=SystemClock())
    identity, caller = ReaderIdentity(settings, seam, owner), seam.caller()
    standing, _ = identity.create(Standing(caller=caller, principal=caller.arn))
    identity.give(standing)
    return standing.arn


def _deliver(ledger: Ledger, reader: Reader, identity: Identity, slots: Sequence[Slot]) -> None:
    """Write what a bootstrap writes that has just delivered."""
    now = SystemClock().now()
    key = Key(id="token-of-the-bootstrap", created_at=now, expires_at=now + LIFE, revocable=False)
    journal = Journal.open(ledger, Intent(verb="bootstrap", reader=reader, slots=tuple(slots)))
    journal.note(Ensured(identity=identity, grant=Grant(role="pull", resource=reader.host)))
    journal.note(Issuing())
    journal.note(KeyIssued(key=key, fingerprint=ledger.fingerprint(Secret(key.id)), expires_at=key.expires_at))
    for one in slots:
        journal.note(Delivering(slot=one))
        journal.note(Delivered(receipt=Receipt(slot=one, reference=one.target)))
    journal.close(Close.CURRENT)
