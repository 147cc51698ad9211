"""The web service: one secret link in, files in, verdicts out. Nothing that was handed in can be read back through it.

Every answer carries strict headers; there are no cookies, so nothing a browser sends by itself opens anything. A link is in the
path, therefore no path is ever logged: a link is named by its public id.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline import night
from pipeline.desk import keeper, quarantine, receive, sheets, view
from pipeline.desk.handin import Answer, Sender
from pipeline.desk.links import Link, LinksError
from pipeline.desk.office import Office
from pipeline.html import policy
from pipeline.html.escape import file_part
from pipeline.html.locale import LANGUAGES, Words
from pipeline.registry import RegistryError
from pipeline.settings import Workspace

log = logging.getLogger("terukur.terima")
PIECE_BYTES = 4 * quarantine.MIB
UPLOADS_PER_LINK = 24  # at a time; a group of admins may share one link
FAR_FUTURE = "public, max-age=31536000, immutable"
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # a platform's help page must not learn the link
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}


class Refusal(Exception):
    """An answer that is not a page of ours: status, and the sentence of `view.refusals` with this name."""

    def __init__(self, status: int, name: str, after: int | None = None):
        self.status, self.name, self.after = status, name, after
        super().__init__(name)


@dataclass(frozen=True)
class Visit:
    """One request through a valid link."""

    request: Request
    office: Office
    link: Link
    words: Words

    @property
    def base(self) -> str:
        """The path of the link, for addresses on the page."""
        return f"/k/{self.request.path_params['token']}"

    @property
    def wants_json(self) -> bool:
        return "application/json" in self.request.headers.get("accept", "")

    def sender(self, door: str = "web") -> Sender:
        return self.office.sender(self.link, door)


Handler = Callable[[Visit], Awaitable[Response]]


# --- who may -----------------------------------------------------------------------------------------------------------------


def through(handler: Handler, *roles: str) -> Callable[[Request], Awaitable[Response]]:
    """A route that only a valid link of one of these roles opens; every other one is told the same."""

    async def answer(request: Request) -> Response:
        office: Office = request.app.state.office
        address = request.client.host if request.client else ""
        if not office.by_address.take(address) or office.wrong.is_empty(address):
            raise Refusal(429, "slow", after=60)
        link = office.doorman.whose(request.path_params["token"])
        if link is None or link.role not in roles:
            office.wrong.take(address)
            raise Refusal(404, "no_link")
        request.state.link_id = link.link_id
        if not office.by_link.take(link.link_id):
            raise Refusal(429, "slow", after=60)
        if request.method not in ("GET", "HEAD") and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            raise Refusal(403, "foreign")  # a form on another site; without the link it could not be there, but then
        return await handler(Visit(request, office, link, _words(request)))

    return answer


def _words(request: Request) -> Words:
    wanted = request.query_params.get("bahasa", "id")
    return Words(wanted if wanted in LANGUAGES else "id")


# --- handing in --------------------------------------------------------------------------------------------------------------


async def page(visit: Visit) -> Response:
    """The page of a link: the form, and what is still missing."""
    visit.office.reader.warm()
    if visit.link.role == "keeper":
        return await keeper_page(visit)
    return HTMLResponse(await view.page(visit.office, visit.link, visit.words, visit.base))


async def hand_in(visit: Visit) -> Response:
    """Files in, a verdict for each. With `Accept: application/json` one record per export."""
    if visit.link.role == "keeper":
        return await keeper_chat(visit)
    form = await _form(visit)
    chosen = form.word("akun")
    sender = visit.sender()
    if chosen:
        if chosen not in sender.accounts:
            form.discard()
            raise Refusal(400, "no_account")
        sender = Sender(sender.agency_id, (chosen,), sender.door, sender.link_id)
    if not form.files:
        raise Refusal(400, "no_file")
    answers = []
    try:
        for ticket in form.files:
            answers += await _one(visit, ticket, sender, is_oversized=ticket.id in form.oversized)
    finally:
        form.discard()
    return await _told(visit, answers)


async def _one(visit: Visit, ticket: quarantine.Ticket, sender: Sender, *, is_oversized: bool = False) -> list[Answer]:
    if is_oversized:
        return await visit.office.refuse(ticket, sender, "TOO_LARGE", f"> {quarantine.FILE_BYTES} byte")
    if visit.office.crashes.is_empty(visit.link.link_id):
        ticket.discard()
        raise Refusal(429, "slow", after=600)
    return await visit.office.read(ticket, sender)


async def _form(visit: Visit) -> receive.Form:
    office, request = visit.office, visit.request
    limit = receive.declared(request, quarantine.REQUEST_BYTES)
    office.quarantine.create()
    office.quarantine.require_room(visit.link.link_id, limit)
    async with _upload(visit):
        return await receive.form(request, office.quarantine, visit.link.link_id)


@contextlib.asynccontextmanager
async def _upload(visit: Visit) -> AsyncIterator[None]:
    """At most so many bodies of one link at a time."""
    under_way: dict[str, int] = visit.request.app.state.under_way
    if under_way.get(visit.link.link_id, 0) >= UPLOADS_PER_LINK:
        raise Refusal(503, "busy", after=10)
    under_way[visit.link.link_id] = under_way.get(visit.link.link_id, 0) + 1
    try:
        yield
    finally:
        under_way[visit.link.link_id] -= 1
        if not under_way[visit.link.link_id]:
            del under_way[visit.link.link_id]


async def _told(visit: Visit, answers: list[Answer]) -> Response:
    if visit.wants_json:
        return JSONResponse([answer.record for answer in answers])
    if visit.request.query_params.get("bagian"):
        return HTMLResponse(await view.cards(visit.office, answers, visit.words, visit.base))
    return HTMLResponse(await view.page(visit.office, visit.link, visit.words, visit.base, answers=answers))


async def choose(visit: Visit) -> Response:
    """The answer to 'whose is this file?'."""
    form = await receive.form(visit.request, visit.office.quarantine, visit.link.link_id)
    form_account, number = form.word("akun"), form.word("tiket")
    form.discard()
    sender = visit.sender()
    async with visit.request.app.state.pieces:
        known = quarantine.recall(visit.office.quarantine, visit.link.link_id, number)
        if known is None or form_account not in known[1]["choices"] or form_account not in sender.accounts:
            raise Refusal(404, "gone")
        ticket = _mine(visit, known[0])  # asked once: a second press finds nothing to answer
    one = Sender(sender.agency_id, (form_account,), sender.door, sender.link_id)
    return await _told(visit, await _one(visit, ticket, one))


# --- in pieces ---------------------------------------------------------------------------------------------------------------


def _ticket(visit: Visit) -> quarantine.Ticket:
    number = visit.request.path_params["ticket"]
    if not quarantine.TICKET.fullmatch(number):
        raise Refusal(404, "gone")
    return visit.office.quarantine.ticket(visit.link.link_id, number, visit.request.query_params.get("nama", ""))


def _mine(visit: Visit, ticket: quarantine.Ticket) -> quarantine.Ticket:
    """The file under a number that its sender does not know: no piece that is still on its way can reach it while it is read."""
    mine = visit.office.quarantine.open(visit.link.link_id, ticket.name)
    ticket.body.replace(mine.body)
    ticket.discard()
    return mine


async def how_far(visit: Visit) -> Response:
    """How many bytes of a file are here already."""
    number = visit.request.path_params["ticket"]
    body = visit.office.quarantine.root / visit.link.link_id / number / "body"
    size = body.stat().st_size if quarantine.TICKET.fullmatch(number) and body.exists() else 0
    return JSONResponse({"ada": size})


async def take_piece(visit: Visit) -> Response:
    """One piece of a file at `mulai`. Sent again after a broken line it is not written twice."""
    visit.office.quarantine.create()
    offset = visit.request.query_params.get("mulai", "")
    if not offset.isdigit() or len(offset) > 12:
        raise Refusal(400, "bad_form")
    visit.office.quarantine.require_room(visit.link.link_id, receive.declared(visit.request, PIECE_BYTES))
    async with _upload(visit):
        data = b"".join([chunk async for chunk in receive.chunks(visit.request, PIECE_BYTES)])
        ticket = _ticket(visit)
        async with visit.request.app.state.pieces:
            try:
                size = await visit.office.run(quarantine.write_piece, ticket, int(offset), data)
            except quarantine.WrongOffset as error:
                return JSONResponse({"ada": error.size}, 409)
            except quarantine.TooLarge:
                ticket.discard()
                raise
    return JSONResponse({"ada": size})


async def finish(visit: Visit) -> Response:
    """All pieces are here: read the file. `ukuran` and `sidik` say what the sender has; another file is not taken for it."""
    asked = visit.request.query_params
    ticket = _ticket(visit)
    body, size = ticket.body, asked.get("ukuran", "")
    async with visit.request.app.state.pieces:
        is_whole = body.exists() and str(ticket.size) == size
        if is_whole and asked.get("sidik"):
            is_whole = await visit.office.run(ticket.sha256) == asked["sidik"]
        if is_whole:
            mine = _mine(visit, ticket)
    if not is_whole:
        ticket.discard()
        raise Refusal(409, "not_whole")
    sender = visit.sender()
    chosen = asked.get("akun", "")
    if chosen and chosen in sender.accounts:
        sender = Sender(sender.agency_id, (chosen,), sender.door, sender.link_id)
    try:
        return await _told(visit, await _one(visit, mine, sender))
    finally:
        mine.discard()


# --- typed figures -----------------------------------------------------------------------------------------------------------


async def sheet(visit: Visit) -> Response:
    """The forms of one account."""
    return HTMLResponse(view.sheet(visit.office, visit.link, visit.words, visit.base, _account(visit)))


async def typed(visit: Visit) -> Response:
    """Figures typed into a form, through the same reader as a file."""
    account_id = _account(visit)
    form = await receive.form(visit.request, visit.office.quarantine, visit.link.link_id)
    form.discard()
    known = visit.office.directory().accounts[account_id]
    today = visit.office.today()
    wanted = next((s for s in sheets.of_platform(known.platform, visit.words, today) if s.kind == form.word("isian")), None)
    if wanted is None:
        raise Refusal(400, "bad_form")
    text = sheets.typed(wanted, form.fields)
    if text is None:
        raise Refusal(400, "no_figure")
    visit.office.quarantine.require_room(visit.link.link_id, len(text))
    ticket = visit.office.quarantine.open(visit.link.link_id, sheets.file_name(wanted, today))
    with quarantine.open_body(ticket, "wb") as file:
        file.write(text)
    answers = await _one(visit, ticket, Sender(visit.link.agency_id, (account_id,), "form", visit.link.link_id))
    if visit.wants_json:
        return JSONResponse([answer.record for answer in answers])
    if all(answer.record["stored"] for answer in answers):
        return HTMLResponse(await view.page(visit.office, visit.link, visit.words, visit.base, answers=answers))
    said = form.fields  # what was typed stays in the boxes, to be mended
    return HTMLResponse(view.sheet(visit.office, visit.link, visit.words, visit.base, account_id, answers=answers, said=said))


def _account(visit: Visit) -> str:
    account_id = visit.request.path_params["account"]
    if account_id not in visit.sender().accounts:
        raise Refusal(404, "no_account")
    return str(account_id)


# --- the agency's own page ---------------------------------------------------------------------------------------------------


async def own_page(visit: Visit) -> Response:
    """The agency's page of the last night and what that page needs; of other agencies nothing."""
    slug = file_part(visit.link.agency_id or "")
    language, _, rest = visit.request.path_params["path"].partition("/")
    name = rest.rpartition("/")[2]
    is_page = language in LANGUAGES and rest == f"perangkat/{slug}.html"
    is_table = language in LANGUAGES and rest == f"data/{name}" and name.startswith(f"{slug}-") and name.endswith(".csv")
    is_engine = language == "aset" and rest == name and name.endswith(".js")
    place = visit.office.workspace.site / "latest" / language / rest
    if not (is_page or (is_table and _is_of(slug, name, visit)) or is_engine) or not place.is_file():
        raise Refusal(404, "elsewhere")
    headers = {"content-security-policy": policy(single=False) + "; frame-ancestors 'none'"} if is_page else {}
    return FileResponse(place, headers=headers)


def _is_of(slug: str, name: str, visit: Visit) -> bool:
    """`dinkes-kota-tren.csv` begins like a table of `dinkes`; it belongs to the longest name that fits."""
    slugs = [file_part(a) for a in visit.office.directory().agencies]
    return max((s for s in slugs if name.startswith(f"{s}-")), key=len, default="") == slug


async def manifest(visit: Visit) -> Response:
    """Lets a phone keep the page as an app, so that other apps can share files to it."""
    agency = visit.office.directory().agencies.get(visit.link.agency_id or "")
    accept = [".csv", ".xlsx", ".xls", ".zip", ".json", "text/csv", "application/zip"]
    told = {
        "name": f"{visit.words.plain('Hand in files')} – {agency.short_name if agency else 'Terukur'}",
        "short_name": "Terukur",
        "start_url": visit.base,
        "scope": visit.base,
        "display": "standalone",
        "icons": [{"src": view.asset("terima-ikon.svg"), "sizes": "any", "type": "image/svg+xml"}],
        "share_target": {
            "action": visit.base,
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"files": [{"name": "berkas", "accept": accept}]},
        },
    }
    return Response(json.dumps(told), media_type="application/manifest+json")


# --- the keeper --------------------------------------------------------------------------------------------------------------


async def keeper_page(visit: Visit) -> Response:
    found = await visit.office.coverage()
    told = await visit.office.run(keeper.today, visit.office.workspace, visit.office.directory(), found, visit.office.now())
    if visit.wants_json:
        return JSONResponse(told.as_json())
    return HTMLResponse(view.keeper_page(visit.office, visit.words, visit.base, told))


async def keeper_chat(visit: Visit) -> Response:
    """A chat archive dropped by the keeper: its attachments, each to the account of its sender."""
    form = await _form(visit)
    try:
        if len(form.files) != 1 or form.oversized:
            raise Refusal(400, "one_chat")
        order = form.word("urutan") or None
        told = await visit.office.run(keeper.take_chat, visit.office, form.files[0], order)
    finally:
        form.discard()
    if visit.wants_json:
        return JSONResponse(told.as_json())
    return HTMLResponse(view.chat_page(visit.office, visit.words, visit.base, told))


async def register(visit: Visit) -> Response:
    name = visit.request.path_params["register"]
    if name not in keeper.EDITABLE:
        raise Refusal(404, "not_here")
    return HTMLResponse(view.register(visit.office, visit.words, visit.base, name, keeper.register(visit.office.workspace, name)))


async def edit(visit: Visit) -> Response:
    """Add, change or take out one row of a register, under the rules of the whole registry."""
    name = visit.request.path_params["register"]
    if name not in keeper.EDITABLE:
        raise Refusal(404, "not_here")
    form = await receive.form(visit.request, visit.office.quarantine, visit.link.link_id)
    form.discard()
    by = visit.link.link_id
    done = await visit.office.run(keeper.edit, visit.office.workspace, name, form.fields, by, visit.office.now())
    if visit.wants_json:
        return JSONResponse({"saved": done.saved, "problems": done.problems(visit.words.language)}, 200 if done.saved else 422)
    rows = keeper.register(visit.office.workspace, name)
    shown = view.register(visit.office, visit.words, visit.base, name, rows, done)
    return HTMLResponse(shown, 200 if done.saved else 422)


# --- around --------------------------------------------------------------------------------------------------------------------


async def asset(request: Request) -> Response:
    """Our own style, script and icon; their names carry a hash, so a phone asks once."""
    files: dict[str, tuple[bytes, str]] = request.app.state.assets
    found = files.get(request.path_params["name"])
    if found is None:
        raise Refusal(404, "not_here")
    return Response(found[0], media_type=found[1], headers={"cache-control": FAR_FUTURE})


async def alive(request: Request) -> Response:
    return PlainTextResponse("ok")


async def refused(request: Request, error: Exception) -> Response:
    """Every refusal in words; nothing from inside."""
    status, name, after = 500, "fault", None
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)
    if isinstance(error, Refusal):
        status, name, after = error.status, error.name, error.after
    elif isinstance(error, quarantine.TooLarge):
        status, name = 413, "too_large"
    elif isinstance(error, receive.TooSlow):
        status, name = 408, "too_slow"
    elif isinstance(error, receive.BadForm):
        status, name = 400, "bad_form"
    elif isinstance(error, RegistryError | LinksError):
        status, name, after = 503, "mending", 600
    elif isinstance(error, OSError):
        status, name, after = 507, "no_space", 600
    elif isinstance(error, HTTPException):
        status, name = error.status_code, "not_here" if error.status_code == 404 else "bad_form"
    if status == 500:
        office: Office = request.app.state.office
        night.write_log(office.workspace, error)
    headers = {"retry-after": str(after)} if after else {}
    if status in (408, 413):
        headers["connection"] = "close"  # the rest of the body is not wanted
    words = _words(request)
    if "application/json" in request.headers.get("accept", "") or request.query_params.get("bagian"):
        told = {"error": name, "id": view.refusal(name, Words("id")), "en": view.refusal(name, Words("en"))}
        return JSONResponse(told, status, headers)
    back = request.url.path.split("/unggah/")[0] if "/k/" in request.url.path and status != 404 else None
    return HTMLResponse(view.refusal_page(name, words, back), status, headers)


class Guard:
    """Headers on every answer, and one line per request in the log: method, status, link id, seconds; never the path."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive_: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive_, send)
            return
        began, status = time.monotonic(), 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                extra = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in present]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        try:
            await self.app(scope, receive_, stamped)
        except ClientDisconnect:
            status = 499
        finally:
            link = scope.get("state", {}).get("link_id", "-")
            log.info("%s %s %s %.3f s", scope["method"], status, link, time.monotonic() - began)


def application(workspace: Workspace, *, office: Office | None = None) -> Starlette:
    """The service of one workspace."""
    desk = office or Office(workspace)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await desk.open()
        keeping = asyncio.create_task(desk.keep())
        yield
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        desk.close()

    failures = (
        ClientDisconnect,
        RegistryError,
        LinksError,
        Refusal,
        quarantine.TooLarge,
        receive.TooSlow,
        receive.BadForm,
        OSError,
        HTTPException,
        Exception,
    )
    app = Starlette(routes=_routes(), lifespan=lifespan, exception_handlers=dict.fromkeys(failures, refused))
    app.add_middleware(Guard)
    app.state.office = desk
    app.state.under_way = {}
    app.state.pieces = asyncio.Lock()
    app.state.assets = view.assets()
    return app


def _routes() -> list[Route]:
    link = "/k/{token}"
    anyone, agency, keep = ("agency", "keeper"), ("agency",), ("keeper",)
    return [
        Route("/sehat", alive, methods=["GET"]),
        Route("/aset/{name}", asset, methods=["GET"]),
        Route(link, through(page, *anyone), methods=["GET"]),
        Route(link, through(hand_in, *anyone), methods=["POST"]),
        Route(f"{link}/akun", through(choose, *agency), methods=["POST"]),
        Route(f"{link}/unggah/{{ticket}}", through(how_far, *agency), methods=["GET"]),
        Route(f"{link}/unggah/{{ticket}}", through(take_piece, *agency), methods=["PUT"]),
        Route(f"{link}/unggah/{{ticket}}", through(finish, *agency), methods=["POST"]),
        Route(f"{link}/isian/{{account}}", through(sheet, *agency), methods=["GET"]),
        Route(f"{link}/isian/{{account}}", through(typed, *agency), methods=["POST"]),
        Route(f"{link}/halaman/{{path:path}}", through(own_page, *agency), methods=["GET"]),
        Route(f"{link}/app.webmanifest", through(manifest, *agency), methods=["GET"]),
        Route(f"{link}/daftar/{{register}}", through(register, *keep), methods=["GET"]),
        Route(f"{link}/daftar/{{register}}", through(edit, *keep), methods=["POST"]),
    ]


__all__ = ["application"]
