"""A gNMI target: a real gRPC server of the published service over a tree of paths and values.

    target = GnmiTarget(lambda: {"/interfaces/interface[name=eth0]/state/oper-status": "UP"})
    target.start(); ...; target.stop()

The tree is evaluated when it is sampled. For tests and the demo network; it can be told to misbehave (``Faults``).
"""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import grpc
import orjson

from weft.decode.gnmi.paths import Element, parse_path, path_text, wire_elements
from weft.decode.gnmi.proto import pb
from weft.errors import InvalidInput, Unavailable

#: A leaf: a scalar, a list of them (a leaf-list), or a dict, which is sent as JSON whatever the encoding.
Value = bool | int | float | str | list[Any] | dict[str, Any]
Tree = Callable[[], Mapping[str, Value]]
Setter = Callable[[str, Any], None]

_SERVICE = "gnmi.gNMI"
_JSON, _PROTO, _JSON_IETF = 0, 2, 4
_ON_CHANGE, _SAMPLE = 1, 2
_STREAM, _ONCE, _POLL = range(3)
_NS = 1_000_000_000
_LOOK_S = 0.2  # how often values are compared for on_change, unless told of a change
_WORKERS = 64
_MOST_UPDATES = 100
_64_BIT = 1 << 31


@dataclass
class Faults:
    """What is wrong with a target. May be changed while it runs."""

    delay_s: float = 0.0  # before it answers anything
    drop_after: int = 0  # notifications of a subscription after which the connection breaks; 0 = never
    sync_late_s: float = 0.0
    stamp: Callable[[int], int] = lambda ns: ns  # what it makes of the time
    reject: frozenset[str] = frozenset()  # paths that it refuses
    reject_on_change: frozenset[str] = frozenset()  # paths that it refuses to send on change
    reject_encodings: frozenset[int] = frozenset()
    no_subscribe: bool = False


@dataclass(frozen=True)
class ServerTls:
    """PEM texts. With ``ca``, clients must show a certificate signed by it."""

    cert: bytes
    key: bytes
    ca: bytes | None = None


@dataclass
class _Subscription:
    """One path of a request, and what was sent for it."""

    path: tuple[Element, ...]
    mode: int
    interval_s: float
    heartbeat_s: float
    suppress: bool
    due: float = 0.0
    beat: float = 0.0
    sent: dict[str, Value] = field(default_factory=dict)


class GnmiTarget:
    """A target on ``address``; port 0 picks a free one (``port`` tells which once it runs)."""

    def __init__(
        self, tree: Tree, *, address: str = "127.0.0.1", port: int = 0, users: Mapping[str, str] | None = None,
        tls: ServerTls | None = None, on_set: Setter | None = None, faults: Faults | None = None,
        models: Sequence[str] = ("openconfig-interfaces", "openconfig-platform"),
        encodings: Sequence[int] = (_PROTO, _JSON_IETF, _JSON),
    ) -> None:  # fmt: skip
        self._tree, self._address, self.port = tree, address, port
        self._users, self._tls, self._on_set = users, tls, on_set
        self.faults = faults or Faults()
        self._models, self._encodings = tuple(models), tuple(encodings)
        self._server: Any = None
        self._changed = threading.Condition()
        self._generation = 0
        self.subscriptions = 0  # calls so far

    def start(self) -> None:
        """Listen. Raises ``Unavailable`` when the port is taken."""
        server = grpc.server(ThreadPoolExecutor(_WORKERS, "gnmi-target"), options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers((self._handlers(),))
        place = f"{self._address}:{self.port}"
        try:
            if self._tls is None:
                self.port = server.add_insecure_port(place)
            else:
                credentials = grpc.ssl_server_credentials(
                    [(self._tls.key, self._tls.cert)], self._tls.ca, require_client_auth=self._tls.ca is not None
                )
                self.port = server.add_secure_port(place, credentials)
        except RuntimeError as error:
            raise Unavailable(f"cannot listen: {error}", where=place) from error
        server.start()
        self._server = server

    def stop(self) -> None:
        """End every call."""
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None
            self.changed()

    def changed(self) -> None:
        """Have subscriptions on change look at the tree now."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def _handlers(self) -> Any:
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        return grpc.method_handlers_generic_handler(_SERVICE, {
            "Capabilities": unary(self._capabilities, pb.CapabilityRequest.FromString, _bytes),
            "Get": unary(self._get, pb.GetRequest.FromString, _bytes),
            "Set": unary(self._set, pb.SetRequest.FromString, _bytes),
            "Subscribe": stream(self._subscribe, pb.SubscribeRequest.FromString, _bytes),
        })  # fmt: skip

    def _admit(self, context: Any) -> None:
        if self.faults.delay_s:
            time.sleep(self.faults.delay_s)
        if self._users is None:
            return
        said = dict(context.invocation_metadata())
        password = self._users.get(str(said.get("username", "")))
        if password is None or said.get("password") != password:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong user name or password")

    def _capabilities(self, _: Any, context: Any) -> Any:
        self._admit(context)
        models = [
            pb.ModelData(name=name, organization="OpenConfig working group", version="1.0") for name in self._models
        ]
        return pb.CapabilityResponse(supported_models=models, supported_encodings=self._encodings, gNMI_version="0.8.0")

    def _get(self, request: Any, context: Any) -> Any:
        self._admit(context)
        self._check_encoding(request.encoding, context)
        tree = self._tree()
        head = tuple(wire_elements(request.prefix))
        notifications: list[Any] = []
        for one in request.path or [pb.Path()]:
            path = head + tuple(wire_elements(one))
            self._check_path(path, context)
            found = {text: value for text, value in tree.items() if covers(path, elements(text))}
            if not found and path:
                context.abort(grpc.StatusCode.NOT_FOUND, f"no such path: {path_text(path)}")
            notifications += self._notifications(found, request.encoding, request.prefix.target)
        return pb.GetResponse(notification=notifications)

    def _set(self, request: Any, context: Any) -> Any:
        self._admit(context)
        head = tuple(wire_elements(request.prefix))
        results = []
        for operation, update in [(2, one) for one in request.replace] + [(3, one) for one in request.update]:
            text = path_text((*head, *wire_elements(update.path)))
            try:
                if self._on_set is None:
                    raise InvalidInput("nothing can be set here")
                self._on_set(text, _plain(update.val))
            except InvalidInput as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{text}: {error.message}")
            results.append(pb.UpdateResult(path=update.path, op=operation))
        if request.delete:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "nothing can be deleted here")
        self.changed()
        return pb.SetResponse(response=results, timestamp=time.time_ns())

    def _check_encoding(self, encoding: int, context: Any) -> None:
        if encoding not in self._encodings or encoding in self.faults.reject_encodings:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"unsupported encoding {pb.Encoding.Name(encoding)}")

    def _check_path(self, path: tuple[Element, ...], context: Any) -> None:
        if path_text(path) in self.faults.reject:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"unknown path {path_text(path)}")

    def _subscribe(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        self._admit(context)
        self.subscriptions += 1
        asked = next(requests).subscribe
        if self.faults.no_subscribe:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "Subscribe is not supported")
        self._check_encoding(asked.encoding, context)
        head = tuple(wire_elements(asked.prefix))
        wanted = [_subscription(head, one) for one in asked.subscription]
        for one, said in zip(wanted, asked.subscription, strict=True):
            self._check_path(one.path, context)
            if said.mode == _ON_CHANGE and path_text(one.path) in self.faults.reject_on_change:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{path_text(one.path)} cannot be sent on change")
        for sent, response in enumerate(self._answers(asked, wanted, requests, context), 1):
            yield response
            if self.faults.drop_after and sent >= self.faults.drop_after:
                context.abort(grpc.StatusCode.UNAVAILABLE, "connection lost")

    def _answers(self, asked: Any, wanted: list[_Subscription], requests: Iterator[Any], context: Any) -> Iterator[Any]:
        yield from self._round(asked, wanted, initial=True)
        if self.faults.sync_late_s:
            time.sleep(self.faults.sync_late_s)
        yield pb.SubscribeResponse(sync_response=True)
        if asked.mode == _POLL:
            for _ in requests:
                yield from self._round(asked, wanted, initial=True)
                yield pb.SubscribeResponse(sync_response=True)
        elif asked.mode == _STREAM:
            while context.is_active():
                self._wait(wanted)
                yield from self._round(asked, wanted, initial=False)

    def _wait(self, wanted: list[_Subscription]) -> None:
        """Until the next sample is due, or it is time to look for changes."""
        due = min(one.due for one in wanted) - time.monotonic() if wanted else _LOOK_S
        if any(one.mode == _ON_CHANGE for one in wanted):
            due = min(due, _LOOK_S)
        if due > 0:
            with self._changed:
                self._changed.wait(min(due, 1.0))

    def _round(self, asked: Any, wanted: list[_Subscription], *, initial: bool) -> Iterator[Any]:
        """What there is to send now."""
        now, tree = time.monotonic(), self._tree()
        if initial and asked.updates_only:
            for one in wanted:
                one.sent = _below(tree, one.path)
            return
        for one in wanted:
            if not (initial or one.mode == _ON_CHANGE or now >= one.due):
                continue
            there = _below(tree, one.path)
            news, gone = _news(one, there, now, initial=initial)
            one.sent = there
            one.due = now + one.interval_s if one.mode == _SAMPLE else now + 3600.0
            for notification in self._notifications(news, asked.encoding, asked.prefix.target, gone):
                yield pb.SubscribeResponse(update=notification)

    def _notifications(
        self, values: Mapping[str, Value], encoding: int, target: str, gone: Sequence[str] = ()
    ) -> Iterator[Any]:
        """Values as notifications: those of one list entry together, with the entry as their prefix."""
        groups: dict[tuple[Element, ...], list[tuple[tuple[Element, ...], Value]]] = {}
        for text, value in values.items():
            path = elements(text)
            at = max((i + 1 for i, (_, keys) in enumerate(path[:-1]) if keys), default=0)
            groups.setdefault(path[:at], []).append((path[at:], value))
        stamp = self.faults.stamp(time.time_ns())
        for head, leaves in groups.items():
            for first in range(0, len(leaves), _MOST_UPDATES):
                notification = pb.Notification(timestamp=stamp, prefix=_message(head, target))
                for path, value in leaves[first : first + _MOST_UPDATES]:
                    notification.update.append(pb.Update(path=_message(path), val=typed(value, encoding)))
                yield notification
        if gone:
            yield pb.Notification(
                timestamp=stamp, prefix=pb.Path(target=target), delete=[_message(elements(text)) for text in gone]
            )


def _bytes(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return raw


def _subscription(head: tuple[Element, ...], one: Any) -> _Subscription:
    mode = one.mode if one.mode in {_ON_CHANGE, _SAMPLE} else _SAMPLE if one.sample_interval else _ON_CHANGE
    interval_s = max(0.05, one.sample_interval / _NS) if one.sample_interval else 1.0
    path = head + tuple(wire_elements(one.path))
    return _Subscription(path, mode, interval_s, one.heartbeat_interval / _NS, one.suppress_redundant)


def _news(
    one: _Subscription, there: dict[str, Value], now: float, *, initial: bool
) -> tuple[dict[str, Value], list[str]]:
    """(values to send, paths that are gone)."""
    if initial or (one.heartbeat_s and now >= one.beat):
        one.beat = now + one.heartbeat_s
        return there, []
    gone = [text for text in one.sent if text not in there]
    if one.mode == _SAMPLE and not one.suppress:
        return there, gone
    return {text: value for text, value in there.items() if one.sent.get(text) != value}, gone


def _below(tree: Mapping[str, Value], path: tuple[Element, ...]) -> dict[str, Value]:
    return {text: value for text, value in tree.items() if covers(path, elements(text))}


@lru_cache(maxsize=100_000)
def elements(text: str) -> tuple[Element, ...]:
    """Elements of a path's text."""
    return parse_path(text).elements


@lru_cache(maxsize=200_000)
def covers(wanted: tuple[Element, ...], path: tuple[Element, ...]) -> bool:
    """Whether ``path`` is ``wanted`` or below it. Keys may be missing or ``*``, names hold ``*``."""
    if len(wanted) > len(path):
        return False
    for (name, keys), (other, other_keys) in zip(wanted, path, strict=False):
        if name != other and not fnmatch.fnmatchcase(other, name):
            return False
        has = dict(other_keys)
        if any(value != "*" and has.get(key) != value for key, value in keys):
            return False
    return True


def _message(path: Sequence[Element], target: str = "") -> Any:
    return pb.Path(target=target, elem=[pb.PathElem(name=name, key=dict(keys)) for name, keys in path])


def typed(value: Value, encoding: int = _PROTO) -> Any:
    """A value as a TypedValue message in an encoding; JSON_IETF has 64-bit numbers as text (RFC 7951)."""
    if isinstance(value, dict):
        return pb.TypedValue(json_ietf_val=orjson.dumps(value))
    if encoding == _JSON_IETF:
        return pb.TypedValue(json_ietf_val=orjson.dumps(_rfc7951(value)))
    if encoding == _JSON:
        return pb.TypedValue(json_val=orjson.dumps(value))
    if isinstance(value, bool):
        return pb.TypedValue(bool_val=value)
    if isinstance(value, int):
        return pb.TypedValue(uint_val=value) if value >= 0 else pb.TypedValue(int_val=value)
    if isinstance(value, float):
        return pb.TypedValue(double_val=value)
    if isinstance(value, list):
        return pb.TypedValue(leaflist_val=pb.ScalarArray(element=[typed(one) for one in value]))
    return pb.TypedValue(string_val=value)


def _rfc7951(value: Any) -> Any:
    if isinstance(value, list):
        return [_rfc7951(one) for one in value]
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _64_BIT
    return str(value) if is_large or isinstance(value, float) else value


def _plain(value: Any) -> Any:
    """A TypedValue as a plain value. Raises ``InvalidInput`` for JSON that is none."""
    kind = value.WhichOneof("value")
    if kind in {"json_val", "json_ietf_val"}:
        try:
            return orjson.loads(getattr(value, kind))
        except orjson.JSONDecodeError as error:
            raise InvalidInput("is not JSON") from error
    return getattr(value, kind) if kind else None
