"""What synthetics agents call: register, ask for tests, report results; and the list of them for people."""

from __future__ import annotations

from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.requests import HTTPConnection

from weft.api.auth.identity import Role
from weft.api.auth.requests import Operator, Viewer, accounts_of, client_of
from weft.api.errors import RESPONSES, ErrorBody, NotFound, NotLoggedIn, answer
from weft.api.models.agents import AgentPeer, AgentView, AssignmentView, Registered, Registration, ResultsTaken
from weft.api.models.questions import Done
from weft.api.ports import Deps, deps_of
from weft.api.synthetics import agent_views
from weft.collect.synthetics import Agent, Synthetics, Taken
from weft.errors import Unavailable

RESULTS = "/api/v1/agents/self/results"
_BODY_S = 60.0
_RETRY = {"retry-after": "5"}
_REPORT = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}  # fmt: skip
_TRY_LATER: dict[int | str, dict[str, Any]] = {
    413: {"model": ErrorBody, "description": "The body is larger than `synthetics.max_body_bytes`."},
}

#: What agents call: they prove themselves with the key of their registration, not with an API token.
agent_router = APIRouter(prefix="/agents", tags=["agents"], responses=RESPONSES)
router = APIRouter(prefix="/agents", tags=["agents"], responses=RESPONSES)


def synthetics_of(connection: HTTPConnection) -> Synthetics:
    """The server's side of synthetic tests."""
    synthetics = deps_of(connection).synthetics
    if synthetics is None:
        raise Unavailable("this process does not know synthetic tests")
    return synthetics


TheSynthetics = Annotated[Synthetics, Depends(synthetics_of)]


def _agent(request: Request) -> Agent:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    found = synthetics_of(request).registry.of_key(key.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        raise NotLoggedIn("this is not the key of an agent", fix="Register again: POST /api/v1/agents/register.")
    return found


TheAgent = Annotated[Agent, Depends(_agent)]


@agent_router.post("/register", operation_id="registerAgent", summary="Register an agent", status_code=201)
def register(body: Registration, request: Request, synthetics: TheSynthetics, deps: Deps) -> Registered:
    """Makes an agent known and gives it a key. An agent that registers again under its name gets another key."""
    if not synthetics.token_matches(body.token):
        who = accounts_of(request).of_token(body.token)
        if who is None or not who.role.allows(Role.SENDER):
            raise NotLoggedIn(
                "the token does not let agents in", where="token",
                fix="Use synthetics.token of weft.yaml, or an API token of the role sender.",
            )  # fmt: skip
    key = synthetics.register(body.news(), client_of(request))
    deps.state.audit(f"agent {body.name}", "agent.register", client_of(request), {"version": body.version})
    return Registered(agent=body.name, key=key)


@agent_router.get(
    "/self/tests", operation_id="getAgentTests", summary="What an agent is to test",
    responses={304: {"description": "Nothing changed since the ETag that If-None-Match names."}},
)  # fmt: skip
def tests(request: Request, response: Response, agent: TheAgent, synthetics: TheSynthetics) -> AssignmentView:
    """Tests that name the agent and the other ends of its meshes."""
    told = synthetics.assignment(agent)
    etag = f'"{told.revision}"'
    if request.headers.get("if-none-match", "") == etag:
        return Response(status_code=304, headers={"etag": etag})  # type: ignore[return-value]  # FastAPI lets it pass
    response.headers["etag"] = etag
    return AssignmentView(
        revision=told.revision, every_s=told.every_s, tests=list(told.tests),
        peers=[AgentPeer(agent=one.agent, addresses=list(one.addresses), port=one.port) for one in told.peers],
    )  # fmt: skip


@agent_router.post(
    "/self/results", operation_id="reportResults", summary="What an agent measured", response_model=ResultsTaken,
    responses=_TRY_LATER, openapi_extra=_REPORT,
)  # fmt: skip
async def results(request: Request, agent: TheAgent, synthetics: TheSynthetics) -> ResultsTaken | Response:
    """Takes `{sent_ns, probes, hops, buffered, dropped}`, plain or gzip; rows have the names of the tables' columns.

    Each run counts once, whichever way it arrives twice. After 503 send the same again.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        return answer(415, "invalid_input", "not an encoding that is understood", where="Content-Encoding",
                      fix="Send gzip, or nothing.")  # fmt: skip
    try:
        with anyio.fail_after(_BODY_S):
            body = await request.body()
        taken: Taken = await anyio.to_thread.run_sync(
            lambda: synthetics.take(agent, body, gzipped=encoding == "gzip"),
            limiter=request.app.state.agent_limiter,
        )
    except TimeoutError:
        return answer(408, "unavailable", "the body took too long to arrive", where="body")
    except Unavailable as error:
        return answer(503, error.code, error.what, where=error.where, fix=error.fix, headers=_RETRY)
    return ResultsTaken(stored=taken.stored, duplicates=taken.duplicates, refused=taken.refused)


@router.get("", operation_id="listAgents", summary="Agents")
def list_agents(_: Viewer, synthetics: TheSynthetics) -> list[AgentView]:
    """Every agent that registered, by name."""
    return agent_views(synthetics)


@router.delete("/{name:path}", operation_id="removeAgent", summary="Remove an agent")
def remove_agent(
    name: Annotated[str, Path(max_length=100)], who: Operator, synthetics: TheSynthetics, deps: Deps
) -> Done:
    """Forgets an agent. Its key is worth nothing from now on; what it measured stays."""
    if not synthetics.forget(name):
        raise NotFound("there is no such agent")
    deps.state.audit(who.actor, "agent.remove", name)
    return Done()
