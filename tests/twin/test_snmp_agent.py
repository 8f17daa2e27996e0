"""The simulated agent, asked by Net-SNMP's tools: what it serves is what a real manager reads."""

from __future__ import annotations

import pytest
from tests.collect.snmp.peers import run

from weft.decode.snmp import ber
from weft.twin.agents.snmp import Mib, SnmpAgent
from weft.twin.agents.snmp_mibs import AgentDevice, AgentInterface, AgentNeighbour, AgentPeer, mib_of, steady

pytestmark = pytest.mark.peers


@pytest.fixture
def agent():
    ports = [AgentInterface(i, f"eth{i}", counters=steady(8e6, 0), addresses=("10.0.0.1/24",)) for i in (1, 2, 300)]
    mib = mib_of(
        AgentDevice(
            "r1", interfaces=ports, peers=[AgentPeer("10.0.0.2", 65001)], neighbours=[AgentNeighbour(1, "r2", "x")]
        )
    )
    one = SnmpAgent(lambda: mib)
    one.start()
    yield one
    one.stop()


def ask(program, agent, *arguments, tmp_path, community="public"):
    options = ["-v2c", "-c", community, "-On", "-t", "1", "-r", "0", f"127.0.0.1:{agent.port}"]
    return run(program, *options, *arguments, folder=tmp_path).stdout


def test_getnext_and_getbulk_walk_the_same_variables_in_order(agent, tmp_path):
    walked = ask("snmpwalk", agent, "1.3.6.1.2.1.2.2.1.2", tmp_path=tmp_path)
    assert walked == ask("snmpbulkwalk", agent, "1.3.6.1.2.1.2.2.1.2", tmp_path=tmp_path)
    assert [line.partition(" = ")[0].rpartition(".")[2] for line in walked.splitlines()] == ["1", "2", "300"]
    everything = ask("snmpbulkwalk", agent, "1", tmp_path=tmp_path)
    names = [line.partition(" = ")[0] for line in everything.splitlines() if line.startswith(".")]
    assert len(names) >= len(agent._mib())
    assert "No more variables" in everything


def test_get_and_what_is_not_there(agent, tmp_path):
    assert 'STRING: "r1"' in ask("snmpget", agent, "1.3.6.1.2.1.1.5.0", tmp_path=tmp_path)
    assert "No Such Instance" in ask("snmpget", agent, "1.3.6.1.2.1.1.99.0", tmp_path=tmp_path)
    assert "Counter64" in ask("snmpget", agent, "1.3.6.1.2.1.31.1.1.1.6.1", tmp_path=tmp_path)
    assert ask("snmpget", agent, "1.3.6.1.2.1.1.5.0", community="x", tmp_path=tmp_path) == ""
    assert agent.counts.refused == 1


def test_counters_move_and_a_reboot_sets_the_uptime_back(agent, tmp_path):
    name = ["1.3.6.1.2.1.31.1.1.1.6.1"]
    first, second = (int(ask("snmpget", agent, *name, tmp_path=tmp_path).rpartition(" ")[2]) for _ in range(2))
    assert second > first
    agent._booted -= 1000
    assert "(10" in ask("snmpget", agent, "1.3.6.1.2.1.1.3.0", tmp_path=tmp_path)
    agent.reboot()
    assert "0:00:0" in ask("snmpget", agent, "1.3.6.1.2.1.1.3.0", tmp_path=tmp_path)


def test_a_plain_mapping_serves_too_and_no_agent_is_left_behind():
    one = SnmpAgent(lambda: {(1, 3, 6, 1): (ber.INTEGER, 5)}, port=0)
    one.start()
    port = one.port
    one.stop()
    one.stop()
    again = SnmpAgent(lambda: Mib({}), port=port)
    again.start()
    again.stop()
