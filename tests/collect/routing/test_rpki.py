"""Payloads from caches and files, and the state of routes by them."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.certificates import authority, certificate
from tests.collect.intake.fakes import FakeIntake
from tests.collect.routing.rtr_cache import Answer, RtrCache
from tests.decode.rtr import pdus
from tests.programs import needs
from tests.waiting import until

from weft.collect.routing.rpki import Rpki
from weft.collect.routing.rpki_config import RpkiConfig
from weft.decode.rtr import Vrp
from weft.model.addresses import packed

A, B, C = Vrp("192.0.2.0/24", 25, 64500), Vrp("2001:db8::/32", 48, 65551), Vrp("192.0.2.0/24", 24, 64501)
Started = Callable[..., tuple[Rpki, FakeIntake]]


@pytest.fixture
def started() -> Iterator[Started]:
    running: list[Rpki] = []

    def start(**settings: Any) -> tuple[Rpki, FakeIntake]:
        intake = FakeIntake()
        rpki = Rpki(RpkiConfig.model_validate({"retry_s": 0.05, "timeout_s": 5} | settings), intake)  # type: ignore[arg-type]
        rpki.start()
        running.append(rpki)
        return rpki, intake

    yield start
    for rpki in running:
        rpki.stop()


@pytest.fixture
def cache() -> Iterator[Callable[..., RtrCache]]:
    made: list[RtrCache] = []

    def make(answer: Answer, context: ssl.SSLContext | None = None) -> RtrCache:
        made.append(RtrCache(answer, context))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _to(cache: RtrCache, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": cache.port, **more}


def _state(rpki: Rpki, prefix: str, origin: int) -> int:
    address, _, length = prefix.partition("/")
    row = np.frombuffer(packed(address), np.uint8).reshape(1, 16)
    return int(rpki.payloads.states(row, np.array([int(length)], np.uint8), np.array([origin], np.uint32))[0])


def test_routes_are_judged_by_what_the_cache_told(started: Started, cache: Callable[..., RtrCache]) -> None:
    one = cache(lambda _: pdus.answer(2, 7, 1, [A, B]))
    rpki, intake = started(caches=[_to(one)])
    assert until(lambda: len(rpki.payloads)) == 2
    given = {
        ("192.0.2.0/24", 64500): 1, ("192.0.2.128/25", 64500): 1, ("192.0.2.128/26", 64500): 2,
        ("192.0.2.0/24", 64502): 2, ("192.0.2.0/24", 0): 2, ("192.0.0.0/16", 64500): 3,
        ("2001:db8:1::/48", 65551): 1, ("2001:db8::/31", 65551): 3, ("0.0.0.0/0", 1): 3, ("::/0", 1): 3,
    }  # fmt: skip
    assert {route: _state(rpki, *route) for route in given} == given
    row = np.frombuffer(packed("192.0.2.128"), np.uint8)
    assert rpki.payloads.covering(row, 25) == [A]
    status = intake.status()
    assert (status.kind, status.state, status.rows) == ("rpki", "ok", 2)
    assert {"payloads": 2, "session": 7, "serial": 1, "version": 2}.items() <= status.detail.items()


def test_what_changed_is_asked_for_and_told_on(started: Started, cache: Callable[..., RtrCache]) -> None:
    def answer(query: bytes) -> bytes:
        return pdus.answer(1, 7, 1, [A]) if query[1] == 2 else pdus.answer(1, 7, 2, [C, B], [A])

    one = cache(answer)
    rpki, _ = started(caches=[_to(one, version=1)])
    until(lambda: _state(rpki, "192.0.2.0/24", 64500) == 1)
    told: list[int] = []
    rpki.payloads.on_change(lambda: told.append(len(rpki.payloads)))
    one.say(pdus.pdu(1, 0, 7, (2).to_bytes(4, "big")))
    assert until(lambda: told) == [2]
    assert (_state(rpki, "192.0.2.0/24", 64500), _state(rpki, "192.0.2.0/24", 64501)) == (2, 1)
    assert one.asked[-1] == bytes.fromhex("01010007 0000000c 00000001")


@pytest.mark.parametrize("refusal", ["report", "close"])
def test_older_caches_are_spoken_to_in_their_version(
    started: Started, cache: Callable[..., RtrCache], refusal: str
) -> None:
    def answer(query: bytes) -> bytes | None:
        if query[0] > 0:
            return pdus.error(0, 4, "version 0 only", query) if refusal == "report" else None
        return pdus.answer(0, 9, 5, [A])

    rpki, intake = started(caches=[_to(cache(answer))])
    assert until(lambda: len(rpki.payloads)) == 1
    assert intake.status().detail["version"] == 0


def test_a_lower_version_in_the_answer_is_taken(started: Started, cache: Callable[..., RtrCache]) -> None:
    one = cache(lambda query: pdus.answer(1, 9, 5, [A]))
    rpki, intake = started(caches=[_to(one)])
    until(lambda: len(rpki.payloads))
    assert intake.status().detail["version"] == 1


def test_payloads_outlive_the_connection_and_are_whole_again_after_a_restart(
    started: Started, cache: Callable[..., RtrCache]
) -> None:
    session, held = [7], [A, B]

    def answer(query: bytes) -> bytes:
        if query[1] == 1 and query[2:4] != session[0].to_bytes(2, "big"):
            return pdus.pdu(2, 8)  # cache reset
        return pdus.answer(2, session[0], 1, held)

    one = cache(answer)
    rpki, intake = started(caches=[_to(one)])
    until(lambda: len(rpki.payloads) == 2)
    session[0], held[:] = 8, [C]
    one.hang_up()
    until(lambda: len(rpki.payloads) == 1)  # never none in between: see the states below
    assert rpki.payloads.version == 2
    assert _state(rpki, "192.0.2.0/24", 64501) == 1
    assert intake.errors() == {"closed": 1}


def test_an_answer_that_breaks_off_changes_nothing(started: Started, cache: Callable[..., RtrCache]) -> None:
    times = [0]

    def answer(query: bytes) -> bytes:
        times[0] += 1
        whole = pdus.answer(2, 7, times[0], [A, B])
        return whole if times[0] != 2 else pdus.pdu(2, 3, 7) + pdus.prefix(2, C) + bytes((9, 9, 0, 0, 0, 0, 0, 8))

    one = cache(answer)
    rpki, intake = started(caches=[_to(one)])
    until(lambda: len(rpki.payloads) == 2)
    one.say(pdus.pdu(2, 0, 7, (2).to_bytes(4, "big")))
    until(lambda: intake.errors().get("unexpected_version"))
    until(lambda: times[0] == 3)
    assert one.asked[-1][1] == 2  # everything anew
    assert len(rpki.payloads) == 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (pdus.answer(2, 7, 1, [A] * 4), "too_many"),
        (pdus.prefix(2, A), "invalid_request"),
        (pdus.end(2, 7, 1), "invalid_request"),
        (pdus.error(2, 2, "not yet"), "no_data_available"),
        (pdus.error(2, 1, "oh no"), "internal_error"),
        (b"HTTP/1.1 400 Bad Request\r\n", "unexpected_version"),
    ],
)
def test_caches_that_misbehave_are_counted_by_reason(
    started: Started, cache: Callable[..., RtrCache], said: bytes, reason: str
) -> None:
    rpki, intake = started(caches=[_to(cache(lambda _: said))], max_payloads=3)
    assert until(lambda: intake.errors().get(reason))
    assert intake.status().state == "failing"
    assert not rpki.payloads.known


def test_a_withdrawal_of_what_is_unknown_asks_for_everything(started: Started, cache: Callable[..., RtrCache]) -> None:
    def answer(query: bytes) -> bytes:
        return pdus.answer(2, 7, 3, [A, B]) if query[1] == 2 else pdus.answer(2, 7, 2, [], [C])

    one = cache(answer)
    rpki, intake = started(caches=[_to(one)])
    until(lambda: len(rpki.payloads))
    one.say(pdus.pdu(2, 0, 7, (9).to_bytes(4, "big")))
    until(lambda: intake.errors().get("withdrawal_of_unknown_record"))
    one.say(pdus.pdu(2, 0, 7, (10).to_bytes(4, "big")))
    until(lambda: one.asked[-1][1] == 2)


def test_the_next_cache_counts_while_the_first_has_nothing(started: Started, cache: Callable[..., RtrCache]) -> None:
    ready = [False]
    first = cache(lambda _: pdus.answer(2, 7, 1, [A]) if ready[0] else pdus.error(2, 2, "not yet"))
    second = cache(lambda _: pdus.answer(2, 8, 1, [C]))
    rpki, _ = started(caches=[_to(first), _to(second)])
    until(lambda: _state(rpki, "192.0.2.0/24", 64501) == 1)
    ready[0] = True
    until(lambda: _state(rpki, "192.0.2.0/24", 64500) == 1)
    assert _state(rpki, "192.0.2.0/24", 64501) == 2


def test_a_cache_is_known_by_its_certificate(started: Started, cache: Callable[..., RtrCache], tmp_path: Path) -> None:
    ours = authority()
    chain, key = certificate(ours, "cache", ["127.0.0.1"])
    for name, data in (("chain", chain), ("key", key), ("ca", ours.pem), ("other", authority("Other").pem)):
        (tmp_path / name).write_bytes(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain", tmp_path / "key")
    one = cache(lambda _: pdus.answer(2, 7, 1, [A]), context)
    rpki, _ = started(caches=[_to(one, tls=True, ca=str(tmp_path / "ca"))])
    assert until(lambda: len(rpki.payloads)) == 1
    rpki, intake = started(caches=[_to(one, tls=True, ca=str(tmp_path / "other"))])
    until(lambda: intake.errors().get("certificate"))
    assert not rpki.payloads.known
    _, intake = started(caches=[_to(one, tls=True, ca=str(tmp_path / "key"))])
    assert until(lambda: intake.errors().get("settings"))


def _write(path: Path, *vrps: Vrp) -> None:
    roas = [{"asn": one.asn, "prefix": one.prefix, "maxLength": one.max_length} for one in vrps]
    path.with_suffix(".new").write_text(json.dumps({"roas": roas}))
    path.with_suffix(".new").replace(path)


def test_files_count_besides_a_cache_and_are_read_again(
    started: Started, cache: Callable[..., RtrCache], tmp_path: Path
) -> None:
    path = tmp_path / "vrps.json"
    _write(path, C)
    one = cache(lambda _: pdus.answer(2, 7, 1, [A]))
    rpki, intake = started(caches=[_to(one)], files=[str(path)], reload_interval_s=1)
    until(lambda: len(rpki.payloads) == 2)
    assert [_state(rpki, "192.0.2.0/24", origin) for origin in (64500, 64501, 64502)] == [1, 1, 2]
    _write(path, B, C)
    until(lambda: len(rpki.payloads) == 3)
    path.write_text("no payloads")
    until(lambda: intake.errors().get("not_understood"))
    path.unlink()
    until(lambda: intake.errors().get("unreadable"))
    assert len(rpki.payloads) == 3


def test_a_file_that_nobody_writes_any_more_counts_no_longer(started: Started, tmp_path: Path) -> None:
    path = tmp_path / "vrps.json"
    _write(path, A)
    rpki, intake = started(files=[str(path)], reload_interval_s=1, file_expires_hours=1)
    until(lambda: len(rpki.payloads) == 1)
    os.utime(path, (time.time() - 4000, time.time() - 4000))
    until(lambda: not rpki.payloads.known)
    assert _state(rpki, "192.0.2.0/24", 64502) == 0
    assert intake.errors() == {"expired": 1}


def test_nothing_is_opened_where_nothing_is_configured(started: Started) -> None:
    rpki, intake = started()
    assert intake.books == []
    assert not rpki.payloads.known


@pytest.mark.peers
def test_stayrtr_tells_its_payloads_and_their_changes(started: Started, tmp_path: Path) -> None:
    program = needs("stayrtr", "stayrtr")
    path, port = tmp_path / "vrps.json", _free_port()
    _write(path, A, B)
    command = [
        program, "-bind", f"127.0.0.1:{port}", "-cache", str(path), "-refresh", "1", "-checktime=false",
        "-metrics.addr", f"127.0.0.1:{_free_port()}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            rpki, intake = started(caches=[{"host": "127.0.0.1", "port": port}])
            assert until(lambda: len(rpki.payloads)) == 2
            assert _state(rpki, "192.0.2.0/24", 64500) == 1
            assert intake.status().detail["version"] == 2
            _write(path, B, C)
            until(lambda: _state(rpki, "192.0.2.0/24", 64500) == 2)
            assert _state(rpki, "192.0.2.0/24", 64501) == 1
        finally:
            process.terminate()


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
