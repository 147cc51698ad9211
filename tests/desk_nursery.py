"""Run as a program: hands files in from children that are killed in the middle, and prints the SHA-256 of every answered file.

Everything is imported once; a child is a fork that reads with libraries not used before, so a kill costs no start.
"""

import os
import random
import select
import signal
import sys
import time
from hashlib import sha256
from pathlib import Path

from desk_in_tests import NOW, InProcess, instagram

from pipeline.desk.handin import Sender, hand_in
from pipeline.desk.quarantine import Quarantine, open_body
from pipeline.settings import Workspace

SENDER = Sender("dinkes", ("ig-dinkes", "fb-dinkes"), "web", "aaaaaaaa")


def child(root, first, out):
    """Hand in one new file after the other; say so only when the answer is there."""
    made, reader, number, began = Workspace(Path(root)), InProcess(), first, 0.0
    while True:
        if number == first + 2:  # the second one took as long as each of the next
            os.write(out, f"took {time.monotonic() - began:.6f}\n".encode())
        began = time.monotonic()
        data = instagram(4 + number)
        ticket = Quarantine(made).open("aaaaaaaa", f"u-{number}.csv")
        with open_body(ticket, "wb") as file:
            file.write(data)
        (answer,) = hand_in(made, reader, ticket, SENDER, now=NOW)
        if answer.record["stored"]:
            os.write(out, sha256(data).hexdigest().encode() + b"\n")
        number += 1


def main(root, kills, seed):
    random.seed(seed)
    for kill in range(kills):
        end, out = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(end)
            child(root, kill * 50, out)
        os.close(out)
        said = b""
        while b"took" not in said:
            said += os.read(end, 4096)
        said, _, took = said.partition(b"took ")
        until = time.monotonic() + random.uniform(0, 3 * float(took.split()[0]))
        said += took.partition(b"\n")[2]
        while (left := until - time.monotonic()) > 0:
            if select.select([end], [], [], left)[0]:
                said += os.read(end, 65536)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while chunk := os.read(end, 65536):
            said += chunk
        os.close(end)
        sys.stdout.write(said.decode())
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
