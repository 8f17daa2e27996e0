"""People. For admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from weft.api.auth.people import People
from weft.api.auth.requests import Admin
from weft.api.errors import RESPONSES
from weft.api.models.accounts import AuditEntry, NewUser, UserChange, UserCreated, UserView
from weft.api.models.questions import Done
from weft.api.ports import people_of

router = APIRouter(tags=["people"], responses=RESPONSES)
ThePeople = Annotated[People, Depends(people_of)]
UserId = Annotated[int, Path(description="Id of the person.")]


@router.get("/users", operation_id="listUsers", summary="All people")
def list_users(_: Admin, people: ThePeople) -> list[UserView]:
    """Everybody who can log in."""
    return people.all()


@router.post("/users", operation_id="createUser", summary="Add a person", status_code=201)
def create_user(body: NewUser, who: Admin, people: ThePeople) -> UserCreated:
    """Adds a person; without a password one is generated and answered, this once."""
    return people.add(who.actor, body)


@router.put("/users/{user_id}", operation_id="changeUser", summary="Change a person")
def change_user(user_id: UserId, body: UserChange, who: Admin, people: ThePeople) -> UserView:
    """Changes role or password. A new password ends the person's sessions."""
    return people.change(who.actor, user_id, body)


@router.delete("/users/{user_id}", operation_id="deleteUser", summary="Remove a person")
def delete_user(user_id: UserId, who: Admin, people: ThePeople) -> Done:
    """Removes a person with their sessions, tokens and views. The last admin cannot be removed."""
    people.remove(who.actor, user_id)
    return Done()


@router.get("/audit", operation_id="listAudit", summary="What people did")
def list_audit(_: Admin, people: ThePeople, limit: int = 200) -> list[AuditEntry]:
    """The audit log, newest first."""
    return people.audit_log(min(max(limit, 1), 10_000))
