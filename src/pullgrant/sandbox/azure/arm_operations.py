"""Resource Manager: operations that take a while, in the two forms of container registries.

PUT and PATCH: 201 or 200 with Azure-AsyncOperation, a status to ask for. POST and DELETE: 202 with Location, 202 until it
has ended. Azure/azure-rest-api-specs containerregistry stable/2025-11-01 examples. No Retry-After is sent: azure-core
1.41.0 takes its zero for an absent one and waits 30 seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.azure.arm_paths import REGISTRY, path
from pullgrant.sandbox.azure.basics import Json, new_id
from pullgrant.sandbox.azure.desk import Caller, Desk
from pullgrant.sandbox.azure.refusal import arm
from pullgrant.sandbox.azure.state import Operation
from pullgrant.sandbox.exchange import Request, Response, Route, route


class Operations:
    """Starts operations and answers how they do. Their effect is there at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        host = re.escape(self._desk.cloud.arm)
        statuses = rf"{REGISTRY}(?:/(?:tokens|scopeMaps)/[^/]+)?/operation(?P<form>Statuses|Results)/(?P<id>[A-Za-z0-9-]+)"
        return [route("arm.GetOperation", "GET", host, path(statuses), self._desk.arm(self.get))]

    def kept(self, request: Request, resource: str, body: Json, *, status: int) -> Response:
        """Return the answer to a PUT or PATCH: the resource, not yet settled, and where to ask."""
        state = "Creating" if status == 201 else "Updating"
        shown = body | {"properties": body["properties"] | {"provisioningState": state}}
        return Response(
            status=status, json=shown, headers={"azure-asyncoperation": self._link(request, resource, "Statuses")}
        )

    def accepted(self, request: Request, resource: str, result: Json | None) -> Response:
        """Return the answer to a POST or DELETE whose result is to be asked for."""
        return Response(status=202, headers={"location": self._link(request, resource, "Results", result)})

    def get(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Answer how an operation does."""
        operation = self._desk.state.operations.get(match["id"].lower())
        if operation is None:
            raise arm(404, "OperationNotFound", f"The operation '{match['id']}' was not found.")
        ended = self._ended(operation)
        if match["form"].lower() == "statuses":
            return Response(json={"id": request.path, "status": "Succeeded" if ended else "InProgress"})
        if not ended:
            headers = {"location": f"https://{request.host}{request.path}?api-version={request.one('api-version')}"}
            return Response(status=202, headers=headers)
        return Response(status=204) if operation.result is None else Response(json=operation.result)

    def _link(self, request: Request, resource: str, form: str, result: Json | None = None) -> str:
        kind = resource.rsplit("/", 2)[1].lower()
        operation = Operation(id=f"{kind}-{new_id()}", resource=resource, result=result)
        self._desk.state.operations[operation.id] = operation
        self._desk.world.changed(f"azure/operation/{operation.id}")
        return f"https://{request.host}{resource}/operation{form}/{operation.id}?api-version={request.one('api-version')}"

    def _ended(self, operation: Operation) -> bool:
        operation.asked += 1
        return operation.asked > self._desk.state.polls and self._desk.world.settled(f"azure/operation/{operation.id}")
