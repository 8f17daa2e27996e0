"""A router's command line over SSH, as the collector of configurations meets it: banners, prompts, pagers, moods."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import asyncssh

PASSWORD, ENABLE = "let-me-in-1", "more-rights-2"


class _Login(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == ("weft", PASSWORD)


class Router:
    """An SSH server in a thread. ``config`` is what it shows now; ``mood`` what is the matter with it."""

    def __init__(self, config: str, *, name: str = "r1", mood: str = "", key: str = "ssh-ed25519") -> None:
        self.config, self.name, self.mood = config, name, mood
        self.key = asyncssh.generate_private_key(key)
        self.sessions, self.commands = 0, []
        self.most_at_once = self._now = 0
        self.port = 0
        self._ready, self._stop = threading.Event(), None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._loop = None

    def __enter__(self) -> Router:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.key.export_public_key('openssh').decode()}"

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncssh.create_server(
            _Login, "127.0.0.1", 0, server_host_keys=[self.key], process_factory=self._session, encoding=None,
            line_editor=False,
        )  # fmt: skip
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 5)

    async def _session(self, process) -> None:
        self.sessions += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            if process.command is not None:
                self.commands.append(process.command)
                process.stdout.write(self._answer(process.command).encode())
            else:
                await self._shell(process)
        except (OSError, asyncssh.Error):
            pass
        finally:
            self._now -= 1
            process.exit(0)

    async def _shell(self, process) -> None:
        mark, paging = ("#" if self.mood != "enable" else ">"), True
        process.stdout.write(b"\r\n*** Authorised use only > do not enter # ***\r\n\r\n")
        if self.mood == "silent":
            await asyncio.sleep(3600)
        while True:
            process.stdout.write(f"{self.name}{mark}".encode())
            line = await self._line(process)
            if line is None or line == "exit":
                return
            process.stdout.write(line.encode() + b"\r\n")
            self.commands.append(line)
            if line.startswith(("terminal length 0", "screen-length 0")):
                paging = self.mood == "stubborn"
            elif line == "enable":
                process.stdout.write(b"Password: ")
                secret = await self._line(process)
                mark = "#" if secret == ENABLE else ">"
                process.stdout.write(b"\r\n" if mark == "#" else b"\r\n% Bad secrets\r\n")
            elif line:
                await self._show(process, self._answer(line) if mark == "#" else "% Invalid input detected\n", paging)

    async def _show(self, process, text, paging) -> None:
        for number, line in enumerate(text.splitlines(), 1):
            process.stdout.write(line.encode() + b"\r\n")
            if paging and number % 20 == 0:
                process.stdout.write(b" --More-- ")
                await process.stdin.read(1)
                process.stdout.write(b"\b" * 10 + b" " * 10 + b"\b" * 10)
            if self.mood == "slow" and number % 50 == 0:
                await process.stdout.drain()
                await asyncio.sleep(0.2)

    def _answer(self, command: str) -> str:
        if self.mood == "refusing":
            return "% Invalid input detected at '^' marker.\n"
        if command.startswith(("show running-config", "show configuration", "display current")):
            return self.config[: len(self.config) // 2] if self.mood == "cut" else self.config
        return ""

    @staticmethod
    async def _line(process):
        line = bytearray()
        while True:
            one = await process.stdin.read(1)
            if not one:
                return None
            if one in (b"\n", b"\r"):
                return line.decode().strip()
            line += one
