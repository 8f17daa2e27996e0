"""Password guessing: by one, by a few together, sampled; not who works there."""

from __future__ import annotations

from ipaddress import IPv6Address

import numpy as np
import pyarrow as pa
import pytest
from tests.detect.security.records import DATA_FLAGS, T0, WHOLE, context, play, records, v4

from weft.detect.security.brute import BruteForceDetector

TARGET, GUESSER = v4("203.0.113.20"), v4("198.51.100.33")


def tries(rng, n, at_s, src=GUESSER, **more):
    return records(n, at_s=at_s, src=src, dst=TARGET, dst_port=22, src_port=rng.integers(32768, 61000, n),
                   **{"packets": 14, "bytes": rng.integers(2100, 2300, n), "tcp_flags": WHOLE} | more)  # fmt: skip


def test_one_who_guesses():
    rng = np.random.default_rng(1)
    found = play(BruteForceDetector(context()), [tries(rng, 2, T0 + s) for s in range(100)])
    assert {(one.kind, one.entity.text) for one in found} == {("brute_force", "host:198.51.100.33")}
    assert found[0].at_s - T0 <= 12
    assert "SSH of 203.0.113.20" in found[0].text
    assert found[-1].seen == pytest.approx(120, rel=0.3)


def test_a_few_who_guess_together_are_told_of_their_target():
    """Twelve neighbours, each one password in a minute."""
    rng = np.random.default_rng(2)
    sources = v4("198.51.100.33") + np.arange(12)
    batches = [tries(rng, 1, T0 + 5 * k, src=int(sources[k % 12])) for k in range(90)]
    found = play(BruteForceDetector(context()), batches)
    assert {one.entity.text for one in found} == {"host:203.0.113.20"}
    assert len(found[0].others) >= 6


def test_sampled_it_is_ever_other_connections():
    """1 in 1000: one packet each of connections that never come twice."""
    rng = np.random.default_rng(3)
    batches = [tries(rng, 1, T0 + 10 * k, packets=1, bytes=158, sampling_rate=1000, tcp_flags=DATA_FLAGS)
               for k in range(60)]  # fmt: skip
    assert play(BruteForceDetector(context()), batches)


def test_a_long_session_sampled_is_none():
    batches = [records(1, at_s=T0 + k, src=GUESSER, dst=TARGET, dst_port=22, src_port=50000, bytes=300,
                       sampling_rate=1000, tcp_flags=DATA_FLAGS) for k in range(300)]  # fmt: skip
    assert not play(BruteForceDetector(context()), batches)


def test_who_works_there_does_not_guess():
    """Sessions of all sizes, and a machine inside that signs in every minute."""
    rng = np.random.default_rng(4)
    batches = []
    for minute in range(120):
        size = rng.lognormal(11, 1.5, 2)
        batches.append(tries(rng, 2, T0 + 60 * minute, packets=np.maximum(10, size // 200), bytes=size))
        batches.append(tries(rng, 1, T0 + 60 * minute, src=v4("10.0.0.77")))
    assert not play(BruteForceDetector(context()), batches)


def test_random_sources_take_no_memory():
    rng = np.random.default_rng(5)
    detector = BruteForceDetector(context(most=256))
    before = detector.bytes_used
    noise = [tries(rng, 50_000, T0 + s, src=rng.integers(1 << 24, 1 << 31, 50_000)) for s in range(3)]
    found = play(detector, [part for at, one in enumerate(noise) for part in (one, tries(rng, 30, T0 + at))])
    assert detector.bytes_used == before
    assert {one.entity.text for one in found} <= {"host:198.51.100.33", "host:203.0.113.20"}


def test_an_address_whose_lower_half_is_zero_is_a_source_too() -> None:
    """As exporters tell IPv6 addresses that they made anonymous."""
    rng = np.random.default_rng(6)
    source = pa.array([IPv6Address("2001:db8:7::").packed] * 2, pa.binary(16))
    batches = []
    for s in range(30):
        batch = tries(rng, 2, T0 + s)
        batches.append(batch.set_column(batch.schema.get_field_index("src_addr"), "src_addr", source))
    found = play(BruteForceDetector(context()), batches)
    assert {one.entity.text for one in found} == {"host:2001:db8:7::"}
