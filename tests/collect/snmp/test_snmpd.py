"""The poller against Debian's snmpd: v2c, and v3 with every protocol it has."""

from __future__ import annotations

import asyncio

import pytest
from tests.waiting import until

from weft.collect.snmp.config import CredentialConfig, SnmpConfig
from weft.collect.snmp.errors import SnmpError
from weft.collect.snmp.reader import DeviceReader
from weft.collect.snmp.session import Credential
from weft.collect.snmp.transport import Transport
from weft.decode.snmp.library import load
from weft.model.inventory import ObjectKind

from .kit import polling
from .peers import snmpd

pytestmark = pytest.mark.peers

AUTH = {"auth_password": "authpass1"}
BOTH = {**AUTH, "privacy_password": "privpass1"}


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    with snmpd(tmp_path_factory.mktemp("snmpd")) as port:
        yield port


def reading(port, **credential):
    """One reading with this credential."""

    async def read():
        transport = Transport()
        config = SnmpConfig(timeout_s=0.5, retries=1)
        made = Credential.of("lab", CredentialConfig.model_validate(credential))
        reader = DeviceReader(transport, ("127.0.0.1", port), [made], config, load())
        try:
            return await reader.read(), reader
        finally:
            transport.close()
            await asyncio.sleep(0)

    return asyncio.run(read())


def test_v2c_polls_interfaces_memory_and_load(agent):
    with polling({"interval_s": 2}, [agent]) as (_, rows, facts):
        until(lambda: len(rows.metric("uptime_s")) >= 2)
        lo = rows.metric("in_octets", "lo")
        assert lo[0]["if_index"] == 1
        assert rows.metric("memory_total_bytes")[0]["value"] > 1e8
        assert {r["component"] for r in rows.metric("load_average")} == {"Load-1", "Load-5", "Load-15"}
        book = rows.books[0].status()
        assert (book.state, book.name, book.detail["profile"], book.detail["security"]) == (
            "ok",
            "lab1",
            "net-snmp",
            "v2c",
        )
        assert not book.errors
        port = facts.of("snmp", ObjectKind.INTERFACE)["lab1", "lo"]
        assert (port["type"], port["mtu"], "127.0.0.1/8" in port["addresses"]) == ("loopback", 65536, True)
        assert facts.of("snmp", ObjectKind.DEVICE)["lab1",]["location"] == "rack"


@pytest.mark.parametrize(
    ("user", "given", "level"),
    [
        ("shaaes", {**BOTH}, "authPriv"), ("md5des", {**BOTH, "auth": "md5", "privacy": "des"}, "authPriv"),
        ("sha256", {**BOTH, "auth": "sha256"}, "authPriv"),
        ("sha512", {**BOTH, "auth": "sha512", "privacy": "aes256"}, "authPriv"),
        ("aes192", {**BOTH, "auth": "sha224", "privacy": "aes192"}, "authPriv"),
        ("authonly", AUTH, "authNoPriv"), ("nothing", {}, "noAuthNoPriv"),
    ],
)  # fmt: skip
def test_v3_with_every_protocol(agent, user, given, level):
    found, reader = reading(agent, user=user, **given)
    assert found.tables["interfaces"] >= 1
    assert found.rows.num_rows > 20
    assert (reader.system.name, reader.session.credential.level) == ("lab1", level)
    assert reader.session.boots >= 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"user": "shaaes", **BOTH, "auth_password": "authpass2"}, "digest is wrong"),
        ({"user": "shaaes", **BOTH, "privacy_password": "privpass2"}, "Check privacy"),
        ({"user": "nobody", **AUTH}, "no such user"),
        ({"user": "authonly", **BOTH}, "security level"),
        ({"user": "shaaes"}, "."),
    ],
)
def test_v3_says_what_is_wrong(agent, given, says):
    with pytest.raises(SnmpError, match=says) as caught:
        reading(agent, **given)
    assert caught.value.reason == "auth"
    assert "pass" not in caught.value.what.replace("password", "")


def test_a_wrong_community_is_silence(agent):
    with pytest.raises(SnmpError, match="no answer") as caught:
        reading(agent, community="wrong-one")
    assert caught.value.reason == "timeout"
    assert "wrong-one" not in caught.value.message
