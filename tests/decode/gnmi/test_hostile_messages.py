"""Bytes that are not messages, and messages that mean harm; the walk agrees with protobuf's own reader."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decode.gnmi.messages import NOW, decoder, note, rows

from weft.decode.gnmi.proto import pb

GOOD = note(
    {"/interfaces/interface[name=e1]/state/counters/in-octets": 7, "/a/b": "text", "/c": b'{"d": [1, {"e": 2}]}'}
)
NAMES = st.sampled_from(["interfaces", "interface", "state", "counters", "in-octets", "x", "", "a:b", "é"])
PATHS = st.builds(
    lambda names, keys, origin: pb.Path(origin=origin, elem=[pb.PathElem(name=n, key=keys) for n in names]),
    st.lists(NAMES, max_size=5), st.dictionaries(st.sampled_from(["name", "id"]), st.text(max_size=4), max_size=2),
    st.sampled_from(["", "openconfig"]),
)  # fmt: skip
VALUES = st.one_of(
    st.builds(lambda v: pb.TypedValue(uint_val=v), st.integers(0, 2**64 - 1)),
    st.builds(lambda v: pb.TypedValue(int_val=v), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda v: pb.TypedValue(double_val=v), st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(lambda v: pb.TypedValue(string_val=v), st.text(max_size=8)),
    st.builds(lambda v: pb.TypedValue(json_ietf_val=v), st.binary(max_size=12)),
    st.builds(
        lambda d, p: pb.TypedValue(decimal_val=pb.Decimal64(digits=d, precision=p)),
        st.integers(-(2**40), 2**40), st.integers(0, 18),
    ),
    st.just(pb.TypedValue()),
)  # fmt: skip
NOTIFICATIONS = st.builds(
    lambda stamp, prefix, updates, deletes, atomic: pb.Notification(
        timestamp=stamp, prefix=prefix, update=[pb.Update(path=p, val=v, duplicates=3) for p, v in updates],
        delete=deletes, atomic=atomic,
    ),
    st.integers(-(2**63), 2**63 - 1), PATHS, st.lists(st.tuples(PATHS, VALUES), max_size=6),
    st.lists(PATHS, max_size=2), st.booleans(),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(NOTIFICATIONS, max_size=4))
def test_the_walk_reads_what_protobuf_wrote(notifications):
    gnmi = decoder()
    messages = [pb.SubscribeResponse(update=one).SerializeToString() for one in notifications]
    for _ in range(2):
        out = gnmi.decode(messages, NOW)
        assert out.updates == sum(len(one.update) for one in notifications)
        assert out.duplicates == 3 * out.updates
        assert "malformed" not in out.skipped
        plain = [
            update.val for one in notifications for update in one.update
            if update.val.WhichOneof("value") in {"uint_val", "int_val", "double_val", "decimal_val"}
        ]  # fmt: skip
        assert out.values >= len(plain)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_counted(raw):
    out = decoder().decode([raw, GOOD], NOW)
    assert {row["metric"] for row in rows(out)} >= {"in_octets", "a_b"}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=3), st.integers(0, len(GOOD)))
def test_damaged_messages_harm_nobody(at, junk, cut):
    gnmi = decoder()
    for raw in (GOOD[:cut], GOOD[:at] + junk + GOOD[at + len(junk) :], GOOD[:at] + junk + GOOD[at:]):
        gnmi.decode([raw], NOW)
    found = rows(gnmi.decode([GOOD], NOW))
    assert [row["value"] for row in found if row["metric"] == "in_octets"] == [7.0]
    gnmi.facts()


def test_deep_and_wide_json():
    deep = b"[" * 900 + b"]" * 900
    nested = b'{"a":' * 200 + b"1" + b"}" * 200
    out = decoder().decode([note({"/x": deep, "/y": nested, "/z": b"[" * 100_000})], NOW)
    assert out.skipped.get("bad_json", 0) + out.skipped.get("too_many_paths", 0) >= 2
