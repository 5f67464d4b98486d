"""Who calls: the user of an access key or the session of a role, proven by a signature."""

from __future__ import annotations

import hmac

from pullgrant.sandbox.aws import signing
from pullgrant.sandbox.aws.books import Books
from pullgrant.sandbox.aws.calls import AwsCall
from pullgrant.sandbox.aws.moto_door import Moto
from pullgrant.sandbox.aws.refusal import expired_session, unknown_key
from pullgrant.sandbox.aws.state import Caller, State
from pullgrant.sandbox.world import World


class Callers:
    """Knows everybody who can sign."""

    def __init__(self, *, state: State, books: Books, moto: Moto, world: World) -> None:
        self._state, self._books, self._moto, self._world = state, books, moto, world

    def authenticate(self, call: AwsCall) -> Caller:
        """Return who signed a call. Raises Refusal for everybody else."""
        signature = signing.read(call)
        if signature.key_id in self._state.sessions:
            return self._of_session(call, signature)
        entry = self._books.key(signature.key_id, call.partition)
        if entry is None or entry.status != "Active" or "x-amz-security-token" in call.request.headers:
            raise unknown_key(call.shape)
        signing.check(call, signature, entry.secret)
        return Caller(identity=entry.identity)

    def used(self, call: AwsCall, caller: Caller) -> None:
        """Note in IAM when and for what a user's key, or a role, was used."""
        from moto.iam.models import AccessKeyLastUsed

        who, now = caller.identity, self._world.now().replace(tzinfo=None)
        if caller.session is not None:
            role = self._books.role_entry(who.account, who.partition, who.name)
            if role is not None:
                role.last_used, role.last_used_region = now, call.region
            return
        key = self._moto.iam(who.account, who.partition).access_keys.get(signing.read(call).key_id)
        if key is not None:
            key.last_used = AccessKeyLastUsed(timestamp=now, service=call.service, region=call.region)

    def _of_session(self, call: AwsCall, signature: signing.Signature) -> Caller:
        session = self._state.sessions[signature.key_id]
        shown = call.request.headers.get("x-amz-security-token", "")
        if not hmac.compare_digest(shown.encode(), session.token.encode()):
            raise unknown_key(call.shape)
        if session.identity.partition != call.partition:
            raise unknown_key(call.shape)
        if session.expires_at <= self._world.now():
            raise expired_session(call.shape)
        signing.check(call, signature, session.secret)
        return Caller(identity=session.identity, session=session)
