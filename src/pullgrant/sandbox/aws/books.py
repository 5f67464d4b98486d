"""IAM as the judges read it: whose key it is, and which policies somebody has, out of moto's books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pullgrant.sandbox.aws.first_day import ACCOUNTS
from pullgrant.sandbox.aws.late import Late
from pullgrant.sandbox.aws.moto_door import Moto
from pullgrant.sandbox.aws.state import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A user's access key as IAM knows it."""

    status: str
    secret: str = field(repr=False)
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The policies of a user or role, as texts; `boundary` None when there is none. `id` is empty when there is no such entity."""

    id: str = ""
    policies: tuple[str, ...] = ()
    boundary: str | None = None


NOTHING = Grants()


class Books:
    """Reads users, roles and their policies."""

    def __init__(self, moto: Moto, late: Late) -> None:
        self._moto, self._late = moto, late

    def key(self, key_id: str, partition: str) -> KeyEntry | None:
        """Return a user's key as IAM's readers see it, None when there is none."""
        return self._late.see(key_thing(key_id), self._key(key_id, partition))

    def keys(self, identity: Identity) -> dict[str, KeyEntry]:
        """Return the keys of a user, as they are."""
        user = self._moto.iam(identity.account, identity.partition).users.get(identity.name)
        keys = user.access_keys if user else []
        return {each.access_key_id: _entry(each, identity) for each in keys}

    def _key(self, key_id: str, partition: str) -> KeyEntry | None:
        for account in ACCOUNTS:
            key = self._moto.iam(account, partition).access_keys.get(key_id)
            owner = self.user(account, partition, key.user_name) if key else None
            if owner:
                return _entry(key, owner)
        return None

    def user(self, account: str, partition: str, name: str) -> Identity | None:
        """Return a user by name."""
        user = self._moto.iam(account, partition).users.get(name)
        return _user(user, account, partition) if user else None

    def role(self, account: str, partition: str, name: str) -> Identity | None:
        """Return a role by name."""
        role = self.role_entry(account, partition, name)
        return None if role is None else _role(role, account, partition)

    def role_entry(self, account: str, partition: str, name: str) -> Any:
        """Return moto's role by name, None when there is none."""
        roles = self._moto.iam(account, partition).roles.values()
        return next((role for role in roles if role.name == name), None)

    def by_arn(self, arn: str) -> Identity | None:
        """Return a user or role of any account by ARN."""
        _, partition, _, _, account, rest = (arn.split(":", 5) + [""] * 6)[:6]
        kind, _, path = rest.partition("/")
        name = path.rpartition("/")[2]
        if kind not in ("user", "role") or account not in ACCOUNTS or not name:
            return None
        found = self.user(account, partition, name) if kind == "user" else self.role(account, partition, name)
        return found if found is not None and found.arn == arn else None

    def grants(self, identity: Identity) -> Grants:
        """Return the policies of a user or role as they are; nothing when it is gone, or another of its name has come."""
        backend = self._moto.iam(identity.account, identity.partition)
        if identity.kind == "user":
            entity = backend.users.get(identity.name)
            holders = [entity, *backend.get_groups_for_user(identity.name)] if entity else []
        else:
            entity = self.role_entry(identity.account, identity.partition, identity.name)
            holders = [entity] if entity else []
        if entity is None or entity.id != identity.id:
            return NOTHING
        boundary = getattr(entity, "permissions_boundary_arn", None)
        return Grants(
            id=entity.id,
            policies=tuple(text for holder in holders for text in self._policies_of(holder)),
            boundary=self.managed(identity.account, identity.partition, boundary) if boundary else None,
        )

    def managed(self, account: str, partition: str, arn: str) -> str:
        """Return the text of a managed policy, `{}` when there is none."""
        policy = self._moto.iam(account, partition).managed_policies.get(arn)
        return _text(policy) if policy else "{}"

    def tags(self, identity: Identity) -> Mapping[str, str]:
        """Return the tags of a user or role."""
        backend = self._moto.iam(identity.account, identity.partition)
        if identity.kind == "user":
            entity = backend.users.get(identity.name)
        else:
            entity = self.role_entry(identity.account, identity.partition, identity.name)
        return {tag["Key"]: tag["Value"] for tag in (entity.tags or [])} if entity else {}

    def _policies_of(self, holder: Any) -> list[str]:
        return [*holder.policies.values(), *(_text(policy) for policy in holder.managed_policies.values())]


def key_thing(key_id: str) -> str:
    """Return the name under which the world knows changes of a key."""
    return f"aws/key/{key_id}"


def grants_thing(arn: str) -> str:
    """Return the name under which the world knows changes of an entity's policies."""
    return f"aws/grants/{arn}"


def _entry(key: Any, owner: Identity) -> KeyEntry:
    return KeyEntry(status=key.status, secret=key.secret_access_key, identity=owner)


def _user(user: Any, account: str, partition: str) -> Identity:
    arn = f"arn:{partition}:iam::{account}:user{user.path}{user.name}"
    return Identity(kind="user", account=account, partition=partition, name=user.name, arn=arn, id=user.id)


def _role(role: Any, account: str, partition: str) -> Identity:
    arn = f"arn:{partition}:iam::{account}:role{role.path}{role.name}"
    return Identity(kind="role", account=account, partition=partition, name=role.name, arn=arn, id=role.id)


def _text(policy: Any) -> str:
    version = next(each for each in policy.versions if each.version_id == policy.default_version_id)
    return str(version.document)
