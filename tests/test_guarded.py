"""The guard of Dagster's webserver: asked under our own name only; changes by POST and with the token of this start."""

import asyncio
import json

import pytest

from pipeline.defs.guarded import Guard

OURS = {"host": "127.0.0.1:3000", "content-type": "application/json"}
CHANGE = "mutation { deletePipelineRun(runId: 1) { __typename } }"


def asked(method="GET", path="/", query="", head=(), body=b"", kind="http", token="secret"):
    """Status, headers of the answer and whether the application behind the guard was reached."""
    reached, said = [], []

    async def app(scope, receive, send):
        message = await receive() if scope["type"] == "http" else {}
        reached.append(message.get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        said.append(message)

    headers = [(k.encode(), v.encode()) for k, v in {**OURS, **dict(head)}.items()]
    scope = {"type": kind, "method": method, "path": path, "query_string": query.encode(), "headers": headers}
    asyncio.run(Guard(app, port=3000, token=token)(scope, receive, send))
    first = said[0]
    assert not reached or reached == [body]
    return first.get("status", first.get("code")), dict(first.get("headers", [])), bool(reached)


def graphql(query, **more):
    return asked("POST", "/graphql", body=json.dumps({"query": query}).encode(), **more)[0]


def test_pages_and_questions_go_through():
    assert asked()[0] == 200
    assert asked(head={"host": "localhost:3000"})[0] == 200
    assert graphql("{version}") == 200
    assert graphql("query Q {version} fragment F on X {y}", head={"origin": "http://127.0.0.1:3000"}) == 200


@pytest.mark.parametrize(
    "head",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1:3001"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ],
    ids=lambda head: " ".join(f"{k}={v}" for k, v in head.items()),
)
def test_who_comes_from_elsewhere_is_refused(head):
    assert asked(head=head)[0] == 403
    assert graphql("{version}", head=head) == 403


def test_a_link_changes_nothing():
    status, _, reached = asked(path="/graphql", query="query=" + CHANGE)
    assert (status, reached) == (403, False)
    assert asked("PUT", "/graphql")[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"query": CHANGE}).encode(),
        json.dumps({"query": "query Q {version} " + CHANGE.replace("mutation", "mutation M"), "operationName": "M"}).encode(),
        json.dumps([{"query": CHANGE}]).encode(),
        ("query=" + CHANGE).encode(),
        b"\xff",
        b"",
    ],
)
def test_a_change_needs_the_token(body):
    assert asked("POST", "/graphql", body=body)[0] == 403
    assert asked("POST", "/graphql", body=body, head={"cookie": "terukur=wrong"})[0] == 403
    assert asked("POST", "/graphql", body=body, head={"cookie": "a=b; terukur=secret"})[0] == 200


def test_the_token_goes_from_the_address_into_a_cookie_that_no_other_site_sends():
    status, head, reached = asked(query="token=secret")
    assert (status, head[b"location"], reached) == (303, b"/", False)
    assert b"SameSite=Strict" in head[b"set-cookie"] and b"HttpOnly" in head[b"set-cookie"]
    assert b"set-cookie" not in asked(query="token=wrong")[1]


def test_a_channel_that_stays_open_is_for_our_own_pages():
    assert asked(kind="websocket", head={"origin": "http://evil.example"})[0] == 1008
    assert asked(kind="websocket")[0] == 1008
    assert asked(kind="websocket", head={"origin": "http://127.0.0.1:3000"})[0] == 200


def test_a_body_without_end_is_cut_off():
    assert asked("POST", "/graphql", body=b"x" * (5 * 2**20))[0] == 403
