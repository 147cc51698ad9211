"""A mail server on this machine for tests: as much of IMAP4rev1 as a client needs to look into one folder, and an SMTP server."""

import re
import socket
import socketserver
import threading
from contextlib import contextmanager
from email import message_from_bytes

from aiosmtpd.controller import Controller

PASSWORD = "rahasia"


class Folder:
    """Mails by number, each with its flags."""

    def __init__(self):
        self.mails = {}
        self.fetched = []  # what was asked of which mail

    def add(self, mail):
        self.mails[len(self.mails) + 1] = [bytes(mail), set()]

    def unseen(self):
        return [n for n, (_, flags) in self.mails.items() if "\\Seen" not in flags]


class _Talk(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("* OK ready")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            verb, _, arguments = rest.partition(" ")
            if verb.upper() == "UID":
                verb, _, arguments = arguments.partition(" ")
            answer = getattr(self, f"do_{verb.lower()}", lambda _: "OK done")(arguments)
            self.say(f"{tag} {answer}")
            if verb.upper() == "LOGOUT":
                return

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def do_capability(self, _):
        self.say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def do_login(self, arguments):
        return "OK in" if PASSWORD in arguments else "NO wrong"

    def do_logout(self, _):
        self.say("* BYE")
        return "OK done"

    def do_select(self, _):
        self.say(f"* {len(self.folder.mails)} EXISTS")
        self.say("* OK [UIDVALIDITY 1] valid")
        return "OK [READ-WRITE] selected"

    def do_search(self, arguments):
        found = self.folder.unseen() if "UNSEEN" in arguments else list(self.folder.mails)
        if uid := re.search(r"UID (\d+)", arguments):
            found = [int(uid[1])] if int(uid[1]) in self.folder.mails else []
        self.say("* SEARCH " + " ".join(map(str, found)))
        return "OK done"

    def do_fetch(self, arguments):
        number = int(arguments.split()[0])
        data, flags = self.folder.mails[number]
        is_head = "HEADER" in arguments
        self.folder.fetched.append((number, "head" if is_head else "whole"))
        part = data.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n" if is_head else data
        what = "BODY[HEADER]" if is_head else "BODY[]"
        told = f"UID {number} FLAGS ({' '.join(sorted(flags))}) RFC822.SIZE {len(data)} {what} {{{len(part)}}}"
        self.wfile.write(f"* {number} FETCH ({told}\r\n".encode() + part + b")\r\n")
        return "OK done"

    def do_store(self, arguments):
        number = int(arguments.split()[0])
        self.folder.mails[number][1] |= set(re.findall(r"\\\w+", arguments))
        return "OK done"


class _Outbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def mail_server():
    """Folder, list of mails sent, and the settings under which `terukur terima surel` finds both."""
    folder, outbox = Folder(), _Outbox()
    talk = type("Talk", (_Talk,), {"folder": folder})
    imap = socketserver.ThreadingTCPServer(("127.0.0.1", 0), talk)
    imap.daemon_threads = True
    threading.Thread(target=imap.serve_forever, daemon=True).start()
    smtp = Controller(outbox, hostname="127.0.0.1", port=_free_port())
    smtp.start()
    settings = {
        "TERUKUR_MAIL_HOST": "127.0.0.1",
        "TERUKUR_MAIL_PORT": str(imap.server_address[1]),
        "TERUKUR_MAIL_USER": "terima@kab.example",
        "TERUKUR_MAIL_PASSWORD": PASSWORD,
        "TERUKUR_MAIL_PLAIN": "true",
        "TERUKUR_SMTP_PORT": str(smtp.server.sockets[0].getsockname()[1]),
    }
    try:
        yield folder, outbox.mails, settings
    finally:
        smtp.stop()
        imap.shutdown()
        imap.server_close()
