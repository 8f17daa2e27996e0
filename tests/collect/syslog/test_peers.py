"""Real senders: util-linux ``logger`` and rsyslog, as processes of their own on loopback."""

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.collect.syslog.kit import certificates, serving
from tests.programs import needs
from tests.waiting import until

pytestmark = pytest.mark.peers
TCP = {"protocol": "tcp"}
MODULES = [Path(one) for one in ("/usr/lib/x86_64-linux-gnu/rsyslog", "/usr/lib/aarch64-linux-gnu/rsyslog",
                                 "/usr/lib/rsyslog", "/usr/lib64/rsyslog")]  # fmt: skip


@pytest.mark.parametrize("transport", ["udp", "tcp", "tcp counted"])
@pytest.mark.parametrize("layout", ["--rfc5424", "--rfc3164"])
def test_logger(transport, layout):
    logger = needs("logger", "bsdutils")
    kind = transport[:3]
    with serving([{"protocol": kind}]) as (server, intake):
        command = [logger, "--server", "127.0.0.1", "--port", str(server.ports[kind][0]), f"--{kind}", layout]
        command += ["--octet-count"] if "counted" in transport else []
        command += ["--id=4711", "--tag", "weft-test", "--priority", "auth.warning",
                    "Failed password for root from 192.0.2.9 port 4022 ssh2 \u00e9\u00e8"]  # fmt: skip
        before = time.time()
        subprocess.run(command, check=True, timeout=20)
        row = until(intake.logs)[0]
    assert (row["facility"], row["severity"]) == (4, 4)
    assert (row["program"], row["process_id"]) == ("weft-test", "4711")
    assert row["host"] == socket.gethostname().partition(".")[0] or row["host"] == socket.gethostname()
    assert row["message"] == "Failed password for root from 192.0.2.9 port 4022 ssh2 \u00e9\u00e8"
    assert row["template"] == "Failed password for root from <*> port <*> ssh2 \u00e9\u00e8"
    assert abs(row["time"].timestamp() - before) < 5
    if layout == "--rfc5424":
        assert row["clock"] in {0, 1}
        assert row["time_device"].timestamp() % 1 or row["clock"] == 0
        assert '"timeQuality"' in row["fields"]
    else:
        assert row["clock"] == 2


@contextmanager
def rsyslog(folder, actions, options=""):
    """rsyslogd that takes datagrams on loopback and forwards them."""
    rsyslogd = needs("rsyslogd", "rsyslog")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "rsyslog.conf"
    config.write_text(
        f'global(workDirectory="{folder}" net.enableDNS="off" preserveFQDN="on"{options})\n'
        f'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="{port}" ruleset="out")\n'
        f'ruleset(name="out") {{\n{actions}\n}}\n'
    )
    command = [rsyslogd, "-n", "-f", str(config), "-i", str(folder / "pid"), "-C"]
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield port, process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def forward(intake, port, process, folder, wanted=50):
    """Messages through rsyslogd until they come; it needs a moment to start."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        deadline = time.monotonic() + 20
        while not intake.logs() and time.monotonic() < deadline:
            assert process.poll() is None, (folder / "errors").read_text()
            sock.sendto(b"<13>1 - probe test - - - ready?", ("127.0.0.1", port))
            time.sleep(0.1)
        assert intake.logs(), (folder / "errors").read_text()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        for number in range(wanted):
            message = f'<29>1 {stamp}.{number:06}Z core1 rpd 77 - [x@1 n="{number}"] RPD_OSPF_NBRDOWN: text {number}'
            sock.sendto(message.encode(), ("127.0.0.1", port))

    def came():
        found = [row for row in intake.logs() if row["program"] == "rpd"]
        return found if len(found) == wanted else None

    return until(came, 20)


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("udp", 'protocol="udp" template="RSYSLOG_SyslogProtocol23Format"'),
        ("tcp", 'protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"'),
        ("tcp", 'protocol="tcp" TCP_Framing="traditional" template="RSYSLOG_ForwardFormat"'),
        ("tcp", 'protocol="tcp" template="RSYSLOG_TraditionalForwardFormat"'),
    ],
)
def test_rsyslog_forwards(tmp_path, protocol, options):
    needs("rsyslogd", "rsyslog")
    with serving([{"protocol": protocol}], senders=[{"senders": "127.0.0.1", "relay": True}]) as (server, intake):
        action = f'action(type="omfwd" target="127.0.0.1" port="{server.ports[protocol][0]}" {options})'
        with rsyslog(tmp_path, action) as (port, process):
            rows = forward(intake, port, process, tmp_path)
    check(rows, has_fraction="Traditional" not in options, has_data="Protocol23" in options)
    assert not intake.errors()


def check(rows, *, has_fraction, has_data):
    assert {row["host"] for row in rows} == {"core1"}
    assert {(row["facility"], row["severity"]) for row in rows} == {(3, 5)}
    assert sorted(int(row["message"].rpartition(" ")[2]) for row in rows) == list(range(50))
    assert {row["message_id"] for row in rows} == {"RPD_OSPF_NBRDOWN"}
    if has_data:
        assert {row["fields"] for row in rows} == {f'{{"sd":{{"x@1":{{"n":"{n}"}}}}}}' for n in range(50)}
    if has_fraction:
        assert {row["time_device"].microsecond for row in rows} == set(range(50))
        assert {row["clock"] for row in rows} == {0}
    else:
        assert {row["clock"] for row in rows} == {2}


@pytest.mark.parametrize("mutual", [False, True])
def test_rsyslog_forwards_over_tls(tmp_path, mutual):
    needs("rsyslogd", "rsyslog")
    drivers = [one for one in ("gtls", "ossl") if any((folder / f"lmnsd_{one}.so").exists() for folder in MODULES)]
    if not drivers:
        pytest.skip("rsyslog has no TLS driver here (rsyslog-gnutls or rsyslog-openssl)")
    ca, certificate, key, client, client_key = certificates(tmp_path)
    tls = {"protocol": "tls", "certificate": certificate, "key": key} | ({"client_ca": ca} if mutual else {})
    with serving([tls]) as (server, intake):
        options = f' defaultNetstreamDriverCAFile="{ca}"'
        if mutual:
            options += f' defaultNetstreamDriverCertFile="{client}" defaultNetstreamDriverKeyFile="{client_key}"'
        action = (
            f'action(type="omfwd" target="127.0.0.1" port="{server.ports["tls"][0]}" protocol="tcp"\n'
            f'TCP_Framing="octet-counted" StreamDriver="{drivers[0]}" StreamDriverMode="1"\n'
            'StreamDriverAuthMode="x509/certvalid" template="RSYSLOG_SyslogProtocol23Format")'
        )
        with rsyslog(tmp_path, action, options) as (port, process):
            rows = forward(intake, port, process, tmp_path)
    check(rows, has_fraction=True, has_data=True)
    assert {row["source"] for row in rows} == {3}
