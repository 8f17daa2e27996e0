"""API tokens: how programs get in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from weft.api.auth.people import People
from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.accounts import NewToken, TokenCreated, TokenView
from weft.api.models.questions import Done
from weft.api.ports import people_of

router = APIRouter(prefix="/tokens", tags=["tokens"], responses=RESPONSES)
ThePeople = Annotated[People, Depends(people_of)]


@router.get("", operation_id="listTokens", summary="API tokens")
def list_tokens(who: Viewer, people: ThePeople) -> list[TokenView]:
    """One's own tokens; an admin sees everybody's."""
    return people.tokens(who)


@router.post("", operation_id="createToken", summary="Make an API token", status_code=201)
def create_token(body: NewToken, who: Viewer, people: ThePeople) -> TokenCreated:
    """Makes a token of at most one's own role. The answer is the only time that its secret is shown."""
    return people.add_token(who, body)


@router.delete("/{token_id}", operation_id="deleteToken", summary="Revoke an API token")
def delete_token(
    token_id: Annotated[int, Path(description="Id of the token.")], who: Viewer, people: ThePeople
) -> Done:
    """Revokes one's own token; an admin may revoke anybody's."""
    people.remove_token(who, token_id)
    return Done()
