"""Dagster's webserver behind a guard: ``python -m pipeline.defs.guarded``, with the options of `dagster-webserver`.

It has no login, so whatever a browser on this machine loads could drive it: a foreign page by a link, a form or a name that leads
to 127.0.0.1. The guard lets through what was asked under our own name, and changes by POST alone, with the token of this start.
"""

import hmac
import json
import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

# A variable of the environment, so that no list of processes shows what it holds.
TOKEN = "TERUKUR_UI_TOKEN"  # noqa: S105  # its name
COOKIE = "terukur"
LONGEST_BODY = 4 * 2**20
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Guard:
    """An application in front of another. `port`: where it is served; `token`: asked for changes, empty where none are made."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], *, port: int, token: str):
        self.app, self.token = app, token
        self.names = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif why := self.refusal(scope):
            await _refuse(scope, send, why)
        elif self._brings_token(scope):
            await self._remember(scope, send)
        elif scope["type"] == "http" and scope["method"] == "POST":
            await self._post(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def refusal(self, scope: Scope) -> str:
        """Why a request is not let through, from its head alone; empty where it is."""
        said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if said.get("host", "") not in self.names:
            return "host"
        if "origin" in said and urlsplit(said["origin"]).netloc not in self.names:
            return "origin"
        if said.get("sec-fetch-site", "none") == "cross-site" and said.get("sec-fetch-mode") != "navigate":
            return "origin"
        if scope["type"] == "websocket":
            return "" if "origin" in said else "origin"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return "method"
        if scope["method"] != "POST" and scope["path"].rstrip("/").endswith("graphql") and scope["query_string"]:
            return "method"
        return ""

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A question may be asked by whoever reaches us; anything that is not certainly one needs the token."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if len(body) > LONGEST_BODY:
                return await _refuse(scope, send, "length")
        if not (_only_asks(body) or not self.token or self._knows(_cookie(scope))):
            return await _refuse(scope, send, "token")
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> MutableMapping[str, Any]:
            return next(given, None) or await receive()

        return await self.app(scope, again, send)

    def _brings_token(self, scope: Scope) -> bool:
        return scope["type"] == "http" and scope["method"] == "GET" and self._knows(_first(scope["query_string"], "token"))

    def _knows(self, given: str) -> bool:
        return bool(self.token) and hmac.compare_digest(given.encode(), self.token.encode())

    async def _remember(self, scope: Scope, send: Send) -> None:
        """Take the token out of the address and keep it in a cookie that no other site's request carries along."""
        cookie = f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
        head = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 303, "headers": head})
        await send({"type": "http.response.body", "body": b""})


def _only_asks(body: bytes) -> bool:
    """Whether a GraphQL body holds queries alone. What cannot be read, and a list of several, is none."""
    from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

    try:
        said = json.loads(body)
        parts = parse(said["query"], no_location=True).definitions
    except (ValueError, TypeError, KeyError, GraphQLError, RecursionError):
        return False
    return all(part.operation is not OperationType.MUTATION for part in parts if isinstance(part, OperationDefinitionNode))


def _first(query: bytes, name: str) -> str:
    return parse_qs(query.decode("latin-1")).get(name, [""])[0]


def _cookie(scope: Scope) -> str:
    kept: SimpleCookie = SimpleCookie()
    for name, value in _cookies(scope["headers"]):
        try:
            kept.load(value)
        except CookieError:
            del name
    return kept[COOKIE].value if COOKIE in kept else ""


def _cookies(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    return ((n.decode("latin-1"), v.decode("latin-1")) for n, v in headers if n.lower() == b"cookie")


async def _refuse(scope: Scope, send: Send, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    said = f"ditolak / refused: {why}\n".encode()
    head = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": head})
    await send({"type": "http.response.body", "body": said})


def main() -> None:
    """Dagster's own command, with the guard around the application that it serves."""
    import sys

    from dagster_webserver import cli

    webserver: Any = cli
    port = int(sys.argv[sys.argv.index("--port") + 1])
    token, plain = os.environ.pop(TOKEN, ""), webserver.create_app_from_workspace_process_context

    def guarded(*given: Any, **named: Any) -> Any:
        app: Any = plain(*given, **named)
        return Guard(app, port=port, token=token)

    webserver.create_app_from_workspace_process_context = guarded
    webserver.main()


if __name__ == "__main__":
    main()
