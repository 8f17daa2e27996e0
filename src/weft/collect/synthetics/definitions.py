"""Which tests there are: those of the settings, and those that people defined, kept in the state store."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog
from pydantic import ValidationError

from weft.collect.synthetics.checks import check_test
from weft.collect.synthetics.config import ConfiguredTest
from weft.errors import InvalidInput
from weft.model.synthetics import SyntheticTest
from weft.store.state.synthetics import SyntheticsStore

log = structlog.get_logger(__name__)
_FRESH_S = 5.0  # what another process changed is seen after this long


@dataclass(frozen=True, slots=True)
class DefinedTest:
    """A test, and where it is written; ``author`` and ``updated`` (UTC seconds) of one that a person defined."""

    test: SyntheticTest
    origin: Literal["settings", "people"]
    author: str = ""
    updated: float = 0.0


def checked(test: SyntheticTest) -> None:
    """Raises ``InvalidInput`` that says what is wrong with a test."""
    try:
        check_test(test)
    except ValueError as error:
        raise InvalidInput(str(error), where="test") from None


class Definitions:
    """Tests by name; one of the settings hides one that a person defined under the same name. Thread-safe."""

    def __init__(self, configured: Sequence[ConfiguredTest], store: SyntheticsStore, most: int) -> None:
        self._configured = configured
        self._written = {one.name: DefinedTest(one, "settings") for one in configured}
        self._store, self._most = store, most
        self._lock = threading.Lock()
        self._known: Mapping[str, DefinedTest] = {}
        self._read_at = 0.0

    def start(self) -> None:
        """Read them. Raises ``ConfigError`` where a secret cannot be read, ``InvalidInput`` for a name used twice."""
        if len(self._written) < len(self._configured):
            names = [one.name for one in self._configured]
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidInput(f"two tests are called {twice!r}", where="synthetics.tests", fix="Rename one.")
        for one in self._configured:
            one.revealed()

    def all(self) -> Mapping[str, DefinedTest]:
        """Every test by name. Raises ``StoreUnavailable``: agents ask and report again later."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_S or not self._read_at:
                self._known = self._read()
                self._read_at = time.monotonic()
            return self._known

    def _read(self) -> Mapping[str, DefinedTest]:
        known: dict[str, DefinedTest] = {}
        for record in self._store.tests():
            try:
                test = SyntheticTest.model_validate(record.definition)
            except ValidationError as error:  # written by another version
                log.warning("synthetic_test_not_understood", test=record.name, reason=str(error.errors()[0]["msg"]))
                continue
            known[record.name] = DefinedTest(test, "people", record.author, record.updated)
        return dict(sorted((known | self._written).items()))

    def get(self, name: str) -> DefinedTest | None:
        """The test of that name."""
        return self.all().get(name)

    def put(self, test: SyntheticTest, author: str, before: str = "") -> DefinedTest:
        """Add a test, or change the one called ``before``. Raises ``InvalidInput``."""
        checked(test)
        known = self.all()
        for name in {test.name, before} & self._written.keys():
            raise InvalidInput(f"{name!r} is defined in weft.yaml", where="name", fix="Change it there.")
        if before and before not in known:
            raise InvalidInput(f"there is no test {before!r}", where="name")
        if test.name != before and test.name in known:
            raise InvalidInput(f"there is a test {test.name!r} already", where="name", fix="Choose another name.")
        if not before and len(known) >= self._most:
            raise InvalidInput(f"there are {len(known)} tests already", where="synthetics.most_tests")
        record = self._store.put_test(test.name, test.model_dump(exclude_defaults=True), author, before)
        self._forget()
        return DefinedTest(test, "people", record.author, record.updated)

    def delete(self, name: str) -> bool:
        """Remove a test that a person defined. Raises ``InvalidInput`` for one of the settings."""
        if name in self._written:
            raise InvalidInput(f"{name!r} is defined in weft.yaml", where="name", fix="Remove it there.")
        deleted = self._store.delete_test(name)
        self._forget()
        return deleted

    def told(self, one: DefinedTest) -> SyntheticTest:
        """As agents are told: with the credentials that it is given."""
        return one.test.revealed() if isinstance(one.test, ConfiguredTest) else one.test

    def _forget(self) -> None:
        with self._lock:
            self._read_at = 0.0
