"""The HTTP server as a component: binds its socket when started, answers in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading

import structlog
import uvicorn
from starlette.types import ASGIApp

from weft.api.config import ApiConfig
from weft.errors import ConfigError, Unavailable

log = structlog.get_logger(__name__)

START_S = 20.0
STOP_S = 10.0
BACKLOG = 2048
GRACE_S = 3  # seconds that open connections get to finish


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling and banner: the process has one owner, and it is not the web server."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell who waits for it that requests are answered now."""
        await super().startup(sockets=sockets)
        self.ready.set()


class Door:
    """The address of the API, taken first of all: that it is in use must show at once, not after minutes of work.

    Nobody is let in before ``ApiServer`` listens on it.
    """

    def __init__(self, config: ApiConfig) -> None:
        self._config = config
        self.socket: socket.socket | None = None

    def start(self) -> None:
        """Bind. Raises ``Unavailable`` where the port is taken, ``ConfigError`` for an unusable address."""
        self.socket = _bind(self._config)

    def stop(self) -> None:
        """Give the address back."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class ApiServer:
    """Serves an ASGI application at the address that ``door`` has taken. ``url`` is known once started."""

    def __init__(self, config: ApiConfig, app: ASGIApp, door: Door) -> None:
        self._config, self._app, self._door = config, app, door
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.url = ""

    def start(self) -> None:
        """Listen and answer. Raises ``Unavailable``."""
        if not self._config.loopback and not self._config.tls:
            log.warning(
                "api_without_tls", host=self._config.host,
                meaning="passwords and telemetry cross the network unencrypted",
                fix="set api.tls_certificate and api.tls_key, or listen on loopback behind a proxy that speaks TLS",
            )  # fmt: skip
        sock = self._door.socket
        if sock is None:
            raise Unavailable("the address is not taken", where="api")
        _listen(sock, self._config)
        self._server = _Server(self._settings())
        self.url = self._address(sock)
        self._thread = threading.Thread(target=self._serve, args=(sock,), name="weft-api", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(START_S) or self._failure is not None:
            self.stop()
            raise Unavailable("the web server did not start", where="api") from self._failure

    def stop(self) -> None:
        """Finish what is being answered, close the rest."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(STOP_S)
        self._server = self._thread = None

    def _serve(self, sock: socket.socket) -> None:
        assert self._server is not None
        try:
            asyncio.run(self._server.serve(sockets=[sock]))
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits for the start
            self._failure = error
        finally:
            self._server.ready.set()

    def _settings(self) -> uvicorn.Config:
        config = self._config
        return uvicorn.Config(
            self._app, loop="asyncio", http="h11", ws="websockets-sansio", lifespan="on",
            log_config=None, access_log=False, server_header=False, date_header=True,
            proxy_headers=bool(config.trusted_proxies), forwarded_allow_ips=config.trusted_proxies or None,
            timeout_graceful_shutdown=GRACE_S, ws_max_size=64 * 1024, h11_max_incomplete_event_size=64 * 1024,
            ssl_certfile=config.tls_certificate, ssl_keyfile=config.tls_key,
        )  # fmt: skip

    def _address(self, sock: socket.socket) -> str:
        host, port = sock.getsockname()[:2]
        if host in {"0.0.0.0", "::"}:  # noqa: S104  # shown as something that a browser can open
            host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
        scheme = "https" if self._config.tls else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _bind(config: ApiConfig) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigError(
            f"not an address of this machine: {error.strerror}", where=f"api.host {config.host}", fix="Use 127.0.0.1."
        ) from error
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise _refused(config, error) from error
    return sock


def _listen(sock: socket.socket, config: ApiConfig) -> None:
    try:
        sock.listen(BACKLOG)
    except OSError as error:  # two that bound it at the same time: the first to listen has it
        raise _refused(config, error) from error


def _refused(config: ApiConfig, error: OSError) -> Unavailable:
    where = f"api.host {config.host}, api.port {config.port}"
    if error.errno == errno.EADDRINUSE:
        fix = "Stop what uses it (another Weft?), or choose another with WEFT_PORT or api.port."
        return Unavailable("the port is taken", where=where, fix=fix)
    return Unavailable(f"cannot listen: {error.strerror}", where=where, fix="Choose another host or port.")
