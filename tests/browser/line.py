"""A line between a browser and a server of this machine that can be broken: a laptop that sleeps, a network that is gone."""

from __future__ import annotations

import contextlib
import socket
import threading

from tools.browser.lab import Lab


class Line:
    """What listens in a server's place and hands on what it is told, for as long as it is whole.

    Attributes:
        url: where it listens.
    """

    def __init__(self, lab: Lab) -> None:
        """Open it."""
        self._port = int(lab.url.rsplit(":", 1)[1])
        self._whole, self._heard = threading.Event(), True
        self._whole.set()
        self._ends: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._open_door, daemon=True).start()

    def lose(self) -> None:
        """Hand on nothing more, while both sides believe that the line is whole."""
        self._heard = False

    def cut(self) -> None:
        """Let both sides know; whoever comes now waits for `mend`."""
        self._whole.clear()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def mend(self) -> None:
        """Hand on again."""
        self._heard = True
        self._whole.set()

    def close(self) -> None:
        """Take nobody in any more."""
        self._door.close()

    def _open_door(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                threading.Thread(target=self._serve, args=(self._door.accept()[0],), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        self._whole.wait()
        server = socket.create_connection(("127.0.0.1", self._port))
        self._ends += [browser, server]
        threading.Thread(target=self._hand_on, args=(server, browser), daemon=True).start()
        self._hand_on(browser, server)

    def _hand_on(self, giver: socket.socket, taker: socket.socket) -> None:
        with contextlib.suppress(OSError):  # cut, or one of them has gone
            while data := giver.recv(65536):
                if self._heard:
                    taker.sendall(data)
        with contextlib.suppress(OSError):
            taker.shutdown(socket.SHUT_RDWR)
