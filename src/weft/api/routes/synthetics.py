"""Synthetic tests: the list, one test, the matrix of a mesh, paths; defining them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from weft.api.auth.requests import Operator, Viewer
from weft.api.errors import RESPONSES, NotFound
from weft.api.models.questions import Done
from weft.api.models.synthetics import MeshView, PathView, TestsView, TestView
from weft.api.ports import Deps
from weft.api.routes.agents import TheSynthetics
from weft.api.synthetics import SyntheticPages
from weft.collect.synthetics.definitions import checked
from weft.errors import Unavailable
from weft.model.synthetics import SyntheticTest

router = APIRouter(prefix="/synthetics", tags=["synthetics"], responses=RESPONSES)

Since = Annotated[str, Query(max_length=64, description="now-6h, ISO 8601 or UTC seconds.")]
Until = Annotated[str, Query(max_length=64, description="The end of the range; states are as of it.")]
Name = Annotated[str, Query(min_length=1, max_length=100, description="Name of the test.")]


def _pages_of(deps: Deps, synthetics: TheSynthetics) -> SyntheticPages:
    if deps.store is None:
        raise Unavailable("this process has no telemetry store")
    return SyntheticPages(synthetics, deps.store, lambda: deps.networks(None))


ThePages = Annotated[SyntheticPages, Depends(_pages_of)]


@router.get("/tests", operation_id="listTests", summary="Synthetic tests")
def every_test(_: Viewer, pages: ThePages, since: Since = "now-6h", until: Until = "now") -> TestsView:
    """Every test with how it is now and its figures over the window, worst first; and the agents."""
    return pages.tests(since, until)


# Names of tests hold whatever people like, slashes too: they travel as parameters.
@router.get("/test", operation_id="getTest", summary="A synthetic test")
def one_test(name: Name, _: Viewer, pages: ThePages, since: Since = "now-6h", until: Until = "now") -> TestView:
    """Its definition, each agent and target with state and figures, and the questions behind its charts."""
    return pages.test(name, since, until)


@router.get("/mesh", operation_id="getMesh", summary="A mesh as a matrix")
def mesh(name: Name, _: Viewer, pages: ThePages, since: Since = "now-6h", until: Until = "now") -> MeshView:
    """What each agent measured towards each other."""
    return pages.mesh(name, since, until)


@router.get("/path", operation_id="getTestPath", summary="The path that a trace saw")
def path(
    name: Name,
    agent: Annotated[str, Query(max_length=100)],
    target: Annotated[str, Query(max_length=2000)],
    _: Viewer,
    pages: ThePages,
    since: Since = "now-6h",
    until: Until = "now",
    at: Annotated[str, Query(max_length=64, description="The last run at or before this; empty = `until`.")] = "",
) -> PathView:
    """The hops of one run with AS, site and device; when the path was another; latency of each hop over time."""
    return pages.path(name, agent, target, since, until, at)


@router.post("/tests", operation_id="addTest", summary="Define a test", status_code=201)
def add_test(body: SyntheticTest, who: Operator, synthetics: TheSynthetics, deps: Deps) -> SyntheticTest:
    """Agents are told of it when they ask next."""
    added = synthetics.definitions.put(body, who.username)
    deps.state.audit(who.actor, "test.add", body.name, {"kind": body.kind})
    return added.test


@router.put("/test", operation_id="changeTest", summary="Change a test")
def change_test(name: Name, body: SyntheticTest, who: Operator, synthetics: TheSynthetics, deps: Deps) -> SyntheticTest:
    """Replaces the definition. With another name in it the test is renamed; what it measured keeps the old one."""
    changed = synthetics.definitions.put(body, who.username, before=name)
    deps.state.audit(who.actor, "test.change", body.name, {"before": name} if name != body.name else {})
    return changed.test


@router.delete("/test", operation_id="removeTest", summary="Remove a test")
def remove_test(name: Name, who: Operator, synthetics: TheSynthetics, deps: Deps) -> Done:
    """Agents stop running it; what it measured stays."""
    if not synthetics.definitions.delete(name):
        raise NotFound("there is no such test")
    deps.state.audit(who.actor, "test.remove", name)
    return Done()


@router.post("/check", operation_id="checkTest", summary="Is this test sound?")
def check_test(body: SyntheticTest, _: Viewer) -> Done:
    """Says what is wrong with a definition without keeping it."""
    checked(body)
    return Done()
