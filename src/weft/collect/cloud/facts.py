"""The JSON of the providers' CLIs as facts. Which command wrote a file is told by what is in it. Must do no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from weft.collect.cloud import facts_aws, facts_azure, facts_gcp, facts_oci
from weft.errors import InvalidInput
from weft.model.inventory import Fact

_MOST_OBJECTS = 1_000_000


def facts_of(document: Any, path: str) -> list[Fact]:
    """Facts of one file. Raises ``InvalidInput`` where it is the output of none of the commands known."""
    found: list[Fact] = []
    for provider in (facts_aws, facts_azure, facts_gcp, facts_oci):
        made = provider.facts_of(document, path)
        if made is None:
            continue
        for fact in guarded(made):
            found.append(fact)
            if len(found) > _MOST_OBJECTS:
                raise InvalidInput(f"holds more than {_MOST_OBJECTS} objects")
        return found
    if document in ([], {}):
        return []
    raise InvalidInput("is not the output of a command known", fix="docs/cloud.md lists them.")


def guarded(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The facts, a member of another type than the provider's documents have being the file's fault."""
    try:
        yield from facts
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidInput(f"has something unexpected in it: {type(error).__name__} {str(error)[:80]}") from None
