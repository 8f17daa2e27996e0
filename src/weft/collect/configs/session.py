"""Fetches one configuration over SSH: a command, or a terminal session with a prompt and a pager."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import asyncssh

from weft.collect.configs.hostkeys import HostKeys
from weft.collect.configs.targets import Target
from weft.errors import ConfigError

_CHUNK = 1 << 16
_LINE = 4096  # longest last line that is looked at for a prompt
_QUIET_S = 0.4  # a prompt is one when nothing follows it for this long
_NUDGE_S = 3.0  # some consoles say nothing before a key is pressed
_COLUMNS, _ROWS = 511, 1000
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>()][A-Z0-9]?|\x1b\][^\x07]*\x07|\x00|\x07")
_ERASED = re.compile(r"\x08+ *\x08+|\r +\r")
_PROMPT = re.compile(r"^[<\[]?~?[\w.@:/()\[\]~+*\- ]{1,150}[>\]#$%] ?$")
_PAGER = re.compile(
    r"(?:-+ ?\(?more[^\n]{0,30}\)? ?-*>?|press (?:any key|enter|space)[^\n]{0,60}|lines \d+-\d+[^\n]{0,20}) *$",
    re.IGNORECASE,
)
_ASKS = re.compile(r"pass(?:word|code)[^\n]{0,40}: *$", re.IGNORECASE)
_LEGACY = {
    "kex_algs": "+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
    "encryption_algs": "+aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc",
    "mac_algs": "+hmac-sha1",
    "signature_algs": "+ssh-rsa",
    "server_host_key_algs": "+ssh-rsa",
}


class FetchFailed(Exception):
    """A configuration could not be fetched: a reason in a word, and a line that holds no secret."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def fetch(target: Target, keys: HostKeys) -> str:
    """The configuration as the device shows it, secrets and all. Raises ``FetchFailed``."""
    client = keys.client()
    try:
        async with asyncio.timeout(target.timeout_s):
            async with asyncssh.connect(client_factory=lambda: client, **_options(target, keys)) as connection:
                if target.platform.given.mode == "exec":
                    text = await _command(connection, target)
                else:
                    text = await _Terminal(connection, target).configuration()
    except TimeoutError:
        raise FetchFailed("timeout", f"did not answer within {target.timeout_s:g} s") from None
    except asyncssh.HostKeyNotVerifiable:
        if client.changed:
            raise FetchFailed("host_key_changed", "its host key is not the one in known_hosts") from None
        raise FetchFailed("host_key_unknown", "its host key is not in known_hosts (configs.known_hosts)") from None
    except asyncssh.PermissionDenied:
        raise FetchFailed("login_refused", "it does not let the user in") from None
    except (asyncssh.Error, asyncssh.KeyImportError) as error:
        raise FetchFailed("ssh", f"SSH failed: {type(error).__name__}") from None
    except ConfigError as error:
        raise FetchFailed("credentials", error.message) from None
    except OSError as error:
        raise FetchFailed("unreachable", error.strerror or "cannot be reached") from None
    return _checked(text, target)


def _checked(text: str, target: Target) -> str:
    platform = target.platform
    head = "\n".join(text.splitlines()[:5])
    if platform.errors and ((len(text) < 2000 and platform.errors.search(text)) or platform.errors.search(head)):
        raise FetchFailed("command_refused", f"it does not take the command {platform.given.config!r}")
    if not text.strip():
        raise FetchFailed("empty", "it shows no configuration")
    if not platform.complete(text):
        raise FetchFailed("incomplete", "what it showed is not a whole configuration")
    return text


def _options(target: Target, keys: HostKeys) -> dict[str, Any]:
    login = target.login
    passphrase = login.passphrase.reveal() if login.passphrase else None
    try:
        client_keys = [asyncssh.import_private_key(login.key.reveal() + "\n", passphrase)] if login.key else []
    except asyncssh.KeyImportError:
        raise FetchFailed("credentials", "the private key of the login cannot be read") from None
    return {
        "host": target.address, "port": target.port, "username": login.username,
        "password": login.password.reveal() if login.password else None, "client_keys": client_keys,
        "known_hosts": keys.known(), "config": None, "agent_path": None, "x509_trusted_certs": None,
        "gss_host": None, "connect_timeout": target.timeout_s, "keepalive_interval": 0,
    } | (_LEGACY if target.legacy else {})  # fmt: skip


async def _command(connection: asyncssh.SSHClientConnection, target: Target) -> str:
    """The output of the command, without a terminal."""
    process: Any = await connection.create_process(target.platform.given.config, encoding=None, stderr=asyncssh.STDOUT)
    process.stdin.write_eof()
    data = bytearray()
    while chunk := await process.stdout.read(_CHUNK):
        data += chunk
        if len(data) > target.most_bytes:
            raise FetchFailed("too_large", "its configuration is larger than configs.most_bytes")
    return _clean(data.decode("utf-8", "replace"))


class _Terminal:
    """A terminal session: waits for prompts, answers pagers."""

    def __init__(self, connection: asyncssh.SSHClientConnection, target: Target) -> None:
        self._connection, self._target = connection, target
        self._process: Any = None
        self._prompt = ""

    async def configuration(self) -> str:
        """Log in, switch paging off, show."""
        given = self._target.platform.given
        self._process = await self._connection.create_process(
            term_type="vt100", term_size=(_COLUMNS, _ROWS), encoding=None, stderr=asyncssh.STDOUT
        )
        await self._first_prompt()
        if given.enable and self._prompt.rstrip().endswith(">") and self._target.login.enable:
            await self._become_privileged(self._target.login.enable.reveal())
        for command in given.prepare:
            await self._run(command)
        text = await self._run(given.config)
        self._process.stdin.write(b"exit\n")
        return text

    async def _first_prompt(self) -> None:
        screen = await self._read(lambda line: bool(_PROMPT.match(line)), nudge=True)
        self._prompt = screen.rpartition("\n")[2]

    async def _become_privileged(self, secret: str) -> None:
        self._process.stdin.write(b"enable\n")
        screen = await self._read(lambda line: bool(_ASKS.search(line) or _PROMPT.match(line)))
        if _ASKS.search(screen):
            self._process.stdin.write(secret.encode() + b"\n")
            screen = await self._read(lambda line: bool(_PROMPT.match(line) or _ASKS.search(line)))
        self._prompt = screen.rpartition("\n")[2]
        if self._prompt.rstrip().endswith(">") or _ASKS.search(self._prompt):
            raise FetchFailed("enable_refused", "it does not take the enable password")

    async def _run(self, command: str) -> str:
        """The command's output, without its echo and the prompt after it."""
        self._process.stdin.write(command.encode() + b"\n")
        prompt = self._prompt.rstrip()
        screen = await self._read(lambda line: line.rstrip() == prompt)
        body = screen.rpartition("\n")[0]
        first, _, rest = body.partition("\n")
        return rest if command[:40] in first else body

    async def _read(self, ends: Any, *, nudge: bool = False) -> str:
        """All that is shown until a last line that ``ends`` and stays so for a moment."""
        data, line = bytearray(), ""
        while True:
            wait_s = _QUIET_S if ends(line) else _NUDGE_S if nudge else None
            try:
                chunk = await asyncio.wait_for(self._process.stdout.read(_CHUNK), wait_s)
            except TimeoutError:
                if ends(line):
                    return _clean(data.decode("utf-8", "replace"))
                self._process.stdin.write(b"\n")
                nudge = False
                continue
            if not chunk:
                raise FetchFailed("closed", "it closed the session")
            data += chunk
            if len(data) > self._target.most_bytes:
                raise FetchFailed("too_large", "its configuration is larger than configs.most_bytes")
            start = data.rfind(b"\n", -_LINE) + 1
            line = _clean(data[max(start, len(data) - _LINE) :].decode("utf-8", "replace"))
            if _PAGER.search(line):
                self._process.stdin.write(b" ")
                line = _PAGER.sub("", line)
                data[start:] = line.encode()


def _clean(text: str) -> str:
    """What a terminal would show: without control sequences, erased characters and carriage returns."""
    text = _ERASED.sub("", _CONTROL.sub("", text))
    return text.replace("\r", "")
