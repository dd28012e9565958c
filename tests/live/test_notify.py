"""Scripts, FIFOs and mail of hanode beside keepalived's: one file, one story."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time

from tests.live.case import LiveCase, need, until
from tests.live.configs import VIPS, instance

PORT = 2525
VIP = VIPS[4]
SCRIPT = """#!/bin/sh
printf '%s\\n' "$0" "$@" "uid $(id -u)" . >> {out}
"""
GLOBAL = """
global_defs {{
  router_id R1
  script_user root
  notification_email {{
    ops@example.com
    second@example.com
  }}
  notification_email_from ka@example.com
  smtp_server 192.0.2.1 {port}
  smtp_connect_timeout 5
  notify_fifo {folder}/fifo
  vrrp_notify_priority_changes on
}}
track_file level {{
  file {folder}/level
}}
"""
NODE = "hanode {{\n mail {{\n spool {folder}/spool\n }}\n}}\n"
EXTRA = """
  smtp_alert
  track_file {{
    level weight 1
  }}
  notify_master "{folder}/script master 'two words' a'b c'd \\x41"
  notify_backup {folder}/script
  notify_stop "{folder}/script stop"
  notify "{folder}/script any"
"""


class MailBox(threading.Thread):
    """A mail server that takes everything; C{mails} are what it took."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.mails = []
        self._socket = host.call(self._listen)
        self.start()

    @staticmethod
    def _listen():
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("192.0.2.1", PORT))
        sock.listen(50)
        return sock

    def run(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(client,), daemon=True).start()

    def _take(self, client):
        with contextlib.suppress(ConnectionResetError):  # keepalived is in a hurry
            self._serve(client)

    def _serve(self, client):
        with client, client.makefile("rb") as lines:
            data = None
            client.sendall(b"220 test\r\n")
            for line in lines:
                if data is not None and line == b".\r\n":
                    self.mails.append(b"".join(data).decode())
                    data = None
                    client.sendall(b"250 taken\r\n")
                elif data is not None:
                    data.append(line)
                elif line.upper().startswith(b"DATA"):
                    data = []
                    client.sendall(b"354 go\r\n")
                elif line.upper().startswith(b"QUIT"):
                    client.sendall(b"221 bye\r\n")
                    return
                else:
                    client.sendall(b"250 ok\r\n")

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class NotifyTests(LiveCase):
    """What is told is keepalived's, to the byte."""

    def script(self):
        """A script that writes down how it was called, and where it does."""
        out = self.folder / "calls"
        out.write_text("")
        path = self.folder / "script"
        path.write_text(SCRIPT.format(out=out))
        path.chmod(0o755)
        return out

    def calls(self, out):
        """The calls so far, each a tuple of words."""
        ended = out.read_text().split("\n.\n")
        return [tuple(each.split("\n")) for each in ended if each]

    def story(self, kind):
        """What C{kind} tells about one life: FIFO, calls, mails."""
        level = self.folder / "level"
        level.write_text("0\n")
        out, box = self.script(), MailBox(self.a)
        extra = EXTRA.format(folder=self.folder)
        settings = {"version": 3, "interval": 0.2}
        config = GLOBAL.format(folder=self.folder, port=PORT)
        config += instance(1, 100, extra=extra, **settings)
        if kind == "hanode":
            config += NODE.format(folder=self.folder)
        told = self.daemon(kind, self.a, config).start()
        peer = self.daemon("hanode", self.b, instance(2, 200, **settings))
        fifo = self.folder / "fifo"
        until(fifo.exists, what="the FIFO")
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        try:
            until(lambda: self.holds(self.a, VIP), what="master")
            level.write_text("5\n")
            told.log.wait_for("effective priority from 100 to 105")
            peer.start()
            until(lambda: self.holds(self.b, VIP), what="the peer is master")
            level.write_text("3\n")
            told.log.wait_for("effective priority from 105 to 103")
            peer.stop()
            until(lambda: self.holds(self.a, VIP), what="master again")
            until(lambda: len(self.calls(out)) == 8 and len(box.mails) == 4)
            told.stop()
            until(lambda: len(self.calls(out)) == 10, what="the last scripts")
            lines = os.read(reader, 65536)
        finally:
            os.close(reader)
            box.close()
        if kind == "keepalived":
            fifo.unlink()  # it does not
        self.assertFalse(fifo.exists())
        return lines, self.calls(out), box.mails

    def test_sameAsKeepalived(self):
        """FIFO, argv and mails of one story are equal; hanode keeps the order."""
        need("keepalived")
        theirs = self.story("keepalived")
        ours = self.story("hanode")
        self.assertEqual(ours[0], theirs[0])
        self.assertEqual(
            ours[0].decode().splitlines(),
            [
                'INSTANCE "VI_1" BACKUP 100',
                'INSTANCE "VI_1" MASTER 100',
                'INSTANCE "VI_1" MASTER_PRIORITY 105',
                'INSTANCE "VI_1" BACKUP 105',
                'INSTANCE "VI_1" BACKUP_PRIORITY 103',
                'INSTANCE "VI_1" MASTER 103',
                'INSTANCE "VI_1" STOP 103',
            ],
        )
        self.assertEqual(sorted(ours[1]), sorted(theirs[1]))
        states = [call[-2] for call in ours[1] if call[1] == "any"]
        self.assertEqual(states, ["100", "100", "105", "103", "103"])
        words = ("master", "two words", "ab cd", "A", "uid 0")
        self.assertEqual(ours[1][2][1:], words)
        bare = [sorted(map(undated, told[2])) for told in (ours, theirs)]
        self.assertEqual(
            [each for each in bare[0] if "Stopping" not in each],
            [each for each in bare[1] if "Stopping" not in each],
        )
        # keepalived does not wait until its last mail has gone.
        kept = list((self.folder / "spool").glob("*.mail"))
        sent = [each for each in bare[0] if "Stopping" in each]
        self.assertEqual(len(kept) + len(sent), 1)


def undated(mail):
    """A mail without its date."""
    return "\n".join(line for line in mail.splitlines() if line[:5] != "Date:")


class HookTests(LiveCase):
    """What only hanode has."""

    def test_release(self):
        """The service stops before the address leaves; then the other takes over."""
        mark = self.folder / "mark"
        script = self.folder / "script"
        script.write_text(f"#!/bin/sh\nsleep 1\ndate +%s.%N > {mark}\n")
        script.chmod(0o755)
        extra = f"release_script {script}\nrelease_timeout 10"
        settings = {"version": 3, "interval": 0.2}
        one = self.daemon("hanode", self.a, instance(1, 150, extra=extra, **settings))
        two = self.daemon("hanode", self.b, instance(2, 100, **settings))
        one.start()
        until(lambda: self.holds(self.a, VIP), what="master")
        two.start()
        two.log.wait_for("Entering BACKUP STATE")
        one.process.send_signal(signal.SIGTERM)
        while not mark.exists():
            self.assertFalse(self.holds(self.b, VIP))
            held = self.holds(self.a, VIP) or mark.exists()
            self.assertTrue(held, "the address left before the service")
            time.sleep(0.02)
        ended = time.time()
        until(lambda: self.holds(self.b, VIP), what="the other is master")
        self.assertLess(time.time() - ended, 1.0)
        self.assertEqual(one.process.wait(5), 0)
        one.log.wait_for("release script .*: exited with status 0")

    def test_reader(self):
        """A FIFO's script that dies is started again, and told how things stand."""
        out = self.folder / "read"
        script = self.folder / "script"
        script.write_text(
            f'#!/bin/sh\necho "pid $$" >> {out}\n'
            f'while read -r line; do echo "$line" >> {out}; done < "$1"\n'
        )
        script.chmod(0o755)
        config = (
            f"global_defs {{\nscript_user root\nnotify_fifo {self.folder}/fifo\n"
            f"notify_fifo_script {script}\n}}\nhanode {{\nfifo_replay\n}}\n"
        )
        config += instance(1, 150, version=3, interval=0.2)
        daemon = self.daemon("hanode", self.a, config).start()
        text = 'INSTANCE "VI_1" MASTER 150\n'
        until(lambda: out.exists() and text in out.read_text(), what="the line")
        first = out.read_text().split()[1]
        os.kill(int(first), signal.SIGKILL)
        until(lambda: out.read_text().count("pid") == 2, what="the second reader")
        until(lambda: out.read_text().endswith(text), what="the replay")
        second = out.read_text().split("pid ")[2].split()[0]
        self.assertNotEqual(first, second)
        daemon.stop()
        self.assertTrue(out.read_text().endswith('INSTANCE "VI_1" STOP 150\n'))
        self.assertFalse(os.path.exists(f"/proc/{second}"))
        self.assertFalse((self.folder / "fifo").exists())
