"""google.iam.admin.v1.IAM over gRPC with TLS: what google-cloud-iam speaks, which has no REST transport for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc

from pullgrant.sandbox.faults import Met, meet
from pullgrant.sandbox.google.accounts import Operation
from pullgrant.sandbox.google.callers import CLOUD_PLATFORM
from pullgrant.sandbox.google.desk import Desk
from pullgrant.sandbox.google.refusal import HTTP_CODES, Json, Refusal
from pullgrant.sandbox.world import Call, Fault

HOST = "iam.googleapis.com"
SERVICE = "google.iam.admin.v1.IAM"
_LONGEST_SILENCE = 600.0
_STATUS_OF = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
    412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 502: "UNAVAILABLE",
    503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip


class IamServer:
    """A gRPC server on 127.0.0.1 for the operations of the fake IAM; `port` is where it listens."""

    def __init__(self, desk: Desk, operations: Mapping[str, Operation], certificate: bytes, key: bytes) -> None:
        self._server = grpc.server(ThreadPoolExecutor(max_workers=16, thread_name_prefix="google-iam"))
        self._server.add_generic_rpc_handlers((_Service(desk, operations),))
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        self.port: int = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    def close(self) -> None:
        """Stop; calls under way are cancelled."""
        self._server.stop(None)


class _Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    """Finds the handler of a method. The message types are imported at the first call: that takes a third of a second."""

    def __init__(self, desk: Desk, operations: Mapping[str, Operation]) -> None:
        self._desk = desk
        self._operations = operations
        self._building = threading.Lock()
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, bytes]] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, bytes] | None:
        """Return the handler of a method path, None for one that is not served."""
        with self._building:
            if not self._handlers:
                self._handlers = {f"/{SERVICE}/{name}": self._handler(name, act) for name, act in self._operations.items()}
        return self._handlers.get(handler_call_details.method)

    def _handler(self, name: str, operation: Operation) -> grpc.RpcMethodHandler[Any, bytes]:
        from pullgrant.sandbox.google.messages import of_method

        request, answer = of_method(name)
        return grpc.unary_unary_rpc_method_handler(
            _Method(self._desk, name, operation, answer).call, request_deserializer=request.FromString
        )


class _Method:
    """One method: the operation in JSON, between two messages, under the faults of the world."""

    def __init__(self, desk: Desk, name: str, operation: Operation, answer: Any) -> None:
        self._desk = desk
        self._name = name
        self._operation = operation
        self._answer = answer

    def call(self, message: Any, context: grpc.ServicerContext) -> bytes:
        """Answer a request, log it, and let a planned fault happen to it."""
        from pullgrant.sandbox.google.messages import to_json

        request = {"name": "", "resource": "", **to_json(message)}
        seen: list[str] = []
        met = meet(self._desk.world, f"iam.{self._name}", lambda: self._act(request, context, seen.append))
        self._log(met, "".join(seen))
        return self._deliver(met, context)

    def _act(self, request: Json, context: grpc.ServicerContext, saw: Callable[[str], None]) -> Json | Refusal:
        headers = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        try:
            with self._desk.world.lock:
                caller = self._desk.callers.authenticate(headers.get("authorization", ""), HOST)
                saw(caller.email)
                caller.demand(CLOUD_PLATFORM)
                return self._operation(caller, request)
        except Refusal as refusal:
            return refusal

    def _log(self, met: Met[Json | Refusal], principal: str) -> None:
        status = met.answer.code if isinstance(met.answer, Refusal) else 200
        if met.ending == "status" and met.fault:
            status = int(met.fault.how)
        elif met.ending in ("closed", "silence"):
            status = 0
        path = f"/{SERVICE}/{self._name}"
        self._desk.world.log(Call(kind=f"iam.{self._name}", host=HOST, path=path, principal=principal, status=status))

    def _deliver(self, met: Met[Json | Refusal], context: grpc.ServicerContext) -> bytes:
        if met.ending == "status" and met.fault:
            _refuse(context, planned(met.fault))
        if met.ending == "closed":
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        if met.ending == "silence":
            _keep_silent(context)
        if isinstance(met.answer, Refusal):
            _refuse(context, met.answer)
        from pullgrant.sandbox.google.messages import encode

        data = encode(met.answer or {}, self._answer)
        # A tag of wire type 7 does not exist: no half of a message that happens to end between fields can be read.
        return data[: len(data) // 2] + b"\x0f" if met.ending == "half" else data


def planned(fault: Fault) -> Refusal:
    """Return the refusal that a planned status comes to; a body in Google's error shape gives words and details."""
    try:
        error = json.loads(fault.body)["error"]
        status, message, details = str(error["status"]), str(error["message"]), error.get("details", [])
    except (ValueError, KeyError, TypeError):
        status, message, details = "", fault.body, []
    if status not in HTTP_CODES:
        status = _STATUS_OF.get(int(fault.how), "UNKNOWN")
    return Refusal(status, message or f"planned fault {fault.how}", details)


def _refuse(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    """End the call with a status and, as Google does, with its details in a trailer (google.rpc.Status)."""
    from pullgrant.sandbox.google.messages import encode_status

    code = getattr(grpc.StatusCode, refusal.status)
    context.set_trailing_metadata((("grpc-status-details-bin", encode_status(refusal, code.value[0])),))
    context.abort(code, refusal.message)
    raise AssertionError("abort returned")


def _keep_silent(context: grpc.ServicerContext) -> NoReturn:
    """Hold the call until its client gives up."""
    gone = threading.Event()
    if context.add_callback(gone.set):
        remaining = context.time_remaining()
        gone.wait(min(remaining, _LONGEST_SILENCE) if remaining is not None else _LONGEST_SILENCE)
    context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    raise AssertionError("abort returned")
