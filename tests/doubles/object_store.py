"""As much of S3 as a reader needs: ListObjectsV2, HEAD and GET with ranges, from a dictionary; asks no credentials.

``denied`` makes it refuse everything; ``requests`` are the paths that were asked for.
"""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_STAMP = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 3600))


class ObjectStore:
    """A server on loopback. ``objects``: ``bucket/key`` → content."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.denied = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> ObjectStore:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def listing(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        """ListBucketResult of the keys below a prefix, folders cut off where there is a delimiter."""
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        keys = sorted(name.partition("/")[2] for name in self.objects if name.startswith(f"{bucket}/"))
        contents, folders = [], dict[str, None]()
        for key in keys:
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders[prefix + rest.split(delimiter)[0] + delimiter] = None
                continue
            size = len(self.objects[f"{bucket}/{key}"])
            contents.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{_STAMP}</LastModified><ETag>&quot;0&quot;</ETag>"
                f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        found = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in folders)
        return (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(contents) + len(folders)}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{''.join(contents)}{found}</ListBucketResult>"
        ).encode()


def _handler(store: ObjectStore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            parts = urlsplit(self.path)
            name = unquote(parts.path).strip("/")
            store.requests.append(self.path)
            if store.denied:
                body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
                self._send(403, body if with_body else b"", len(body))
            elif "list-type" in parts.query:
                body = store.listing(name, parse_qs(parts.query))
                self._send(200, body, len(body))
            elif "/" not in name:
                self._send(200 if any(key.startswith(f"{name}/") for key in store.objects) else 404, b"", 0)
            elif name not in store.objects:
                self._send(404, b"", 0)
            else:
                self._object(store.objects[name], with_body)

        def _object(self, content: bytes, with_body: bool) -> None:
            asked = self.headers.get("Range", "")
            if not asked.startswith("bytes="):
                self._send(200, content if with_body else b"", len(content))
                return
            first, _, last = asked.removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last or len(content)) + 1]
            self._send(206, part, len(part), f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")

        def _send(self, status: int, body: bytes, length: int, content_range: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.send_header("ETag", '"0"')
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            self.wfile.write(body)

    return Handler
