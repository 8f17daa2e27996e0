"""Data theft: uploads against what the host and others did before; what looks like it and is not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detect.security.covert_rows import START_S, Flow, context, flow_rows, play

from weft.detect.security.exfil import Exfiltration
from weft.errors import InvalidInput

THIEF, DROP = "10.9.9.9", "198.51.100.7"


def upload(
    bps: float, since: float, until: float, *, src: str = THIEF, dst: str = DROP, asn: int = 64511, rate: int = 1,
    out_if: int = 1, back: float = 0.02, port: int = 50111,
) -> list[Flow]:  # fmt: skip
    """A connection with a record a minute, sampled one in ``rate``, and the answers."""
    rng = np.random.default_rng(int(since) + rate)
    found = []
    for at in np.arange(since, until, 60.0):
        packets = int(rng.poisson(bps * 60 / 8 / 1440 / rate))
        if packets:
            found.append(Flow(float(at), src, dst, src_port=port, octets=packets * 1440, packets=packets, rate=rate,
                              lasted=59, dst_as=asn, out_if=out_if))  # fmt: skip
            got = int(packets * 1440 * back)
            found.append(Flow(float(at), dst, src, port, 443, octets=got, packets=packets, rate=rate, lasted=59,
                              src_as=asn))  # fmt: skip
    return found


def office(hours: float = 2) -> list[Flow]:
    """Forty hosts that fetch from one network."""
    rng = np.random.default_rng(3)
    found = []
    for at in np.sort(rng.uniform(0, hours * 3600, int(400 * hours))):
        host, port = f"10.9.1.{rng.integers(1, 40)}", int(rng.integers(20000, 60000))
        found.append(Flow(float(at), host, "192.0.2.10", src_port=port, octets=4000, dst_as=64496))
        found.append(Flow(float(at), "192.0.2.10", host, port, 443, octets=int(rng.lognormal(12, 2)), src_as=64496))
    return found


@pytest.mark.parametrize(("bps", "rate"), [(1.5e6, 1), (2e7, 1), (5e6, 1000), (9e8, 2000)])
def test_an_upload_to_somebody_unknown_is_found_within_minutes(bps: float, rate: int) -> None:
    found = play(Exfiltration(context()), [*office(), *upload(bps, 4000, 7200, rate=rate)], step=60)
    assert {one.entity.text for one in found} == {f"host:{THIEF}"}
    assert found[0].others[0].text == f"host:{DROP}"
    least_s = 20e6 * 8 / bps
    assert found[0].at_s - START_S - 4000 <= max(300, least_s + 300)
    assert "hardly anybody else" in found[0].text


def test_an_upload_into_a_network_that_all_use_must_be_larger_than_any_before() -> None:
    small = upload(3e6, 600, 1800, src="10.9.1.5", dst="192.0.2.77", asn=64496)
    again = upload(4e6, 4000, 5200, src="10.9.1.6", dst="192.0.2.77", asn=64496)
    assert not play(Exfiltration(context()), [*office(), *small, *again], step=60)
    large = upload(8e7, 4000, 5200, src="10.9.1.7", dst="192.0.2.78", asn=64496)
    found = play(Exfiltration(context()), [*office(), *small, *large], step=60)
    assert {one.entity.id for one in found} == {"10.9.1.7"}


def test_what_a_host_always_does_is_no_theft() -> None:
    nightly = [flow for day in range(3) for flow in upload(5e7, 600 + 7200 * day, 1800 + 7200 * day)]
    assert not play(Exfiltration(context()), [*office(6), *nightly], step=60)


def test_an_upload_is_compared_with_what_was_before_it_and_not_with_itself() -> None:
    """It begins below what is told, and goes on: the like of it was not seen before. What always goes on is usual."""
    before = upload(1.5e6, 600, 1500, src="10.9.1.5", dst="192.0.2.77", asn=64496)
    slow = upload(2.5e6, 4000, 7200, src="10.9.1.6", dst="192.0.2.78", asn=64496)
    found = play(Exfiltration(context()), [*office(), *before, *slow], step=60)
    assert {one.entity.id for one in found} == {"10.9.1.6"}
    camera = upload(4e6, 30, 8 * 3600, src="10.9.1.7", dst="198.51.100.60", asn=64540)
    assert not play(Exfiltration(context()), [*office(), *camera], step=60)


def test_what_was_told_a_day_ago_is_not_told_each_night() -> None:
    nights = [flow for night in range(4) for flow in upload(5e7, 4000 + 86400 * night, 5200 + 86400 * night)]
    more = upload(4e8, 4000 + 86400 * 4, 5200 + 86400 * 4)
    found = play(Exfiltration(context()), [*office(), *nights, *more], step=60)
    assert {int((one.at_s - START_S) // 86400) for one in found} == {0, 4}
    assert "that Weft has watched" in found[0].text
    assert "that Weft has watched" not in found[-1].text


def test_backups_by_a_line_of_ones_own_are_no_theft() -> None:
    ports = {
        7: {"boundary": "external", "connectivity": "cloud"},
        1: {"boundary": "external", "connectivity": "transit"},
    }
    facts = {"interface": lambda _, if_index: ports.get(if_index)}
    backup = upload(5e8, 4000, 5200, out_if=7)
    assert not play(Exfiltration(context(facts)), [*office(), *backup], step=60)
    assert play(Exfiltration(context(facts)), [*office(), *upload(5e8, 4000, 5200)], step=60)


def test_allowed_prefixes_are_left_out() -> None:
    flows = [*office(), *upload(5e8, 4000, 5200)]
    assert not play(Exfiltration(context(allowed=["198.51.100.0/24"])), flows, step=60)
    with pytest.raises(InvalidInput):
        Exfiltration(context(allowed="everything"))


def test_downloads_calls_and_answers_of_servers_are_no_theft() -> None:
    both_ways = upload(2e7, 4000, 7200, back=0.9)  # a video call
    serving = [Flow(4000 + 60 * i, THIEF, DROP, 52000, 443, octets=90_000_000, packets=60_000) for i in range(30)]
    bursts = [Flow(4000 + 1300 * i, THIEF, DROP, octets=1440, packets=1, rate=1_000_000) for i in range(5)]
    assert not play(Exfiltration(context()), [*office(), *both_ways, *serving, *bursts], step=60)


def test_goes_on_after_a_restart() -> None:
    before, after = Exfiltration(context()), Exfiltration(context())
    play(before, [*office(), *upload(5e7, 600, 1800)], step=60)
    after.load(before.save())
    usual = upload(5e7, 7300, 8500)
    found = [
        one for flow in usual for one in [*after.take("flows", flow_rows([flow])), *after.tick(START_S + flow.at + 60)]
    ]
    assert not found
