"""A line between a browser and a server of this machine that can be broken, as a network is."""

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
        self._state = threading.Condition()
        self._whole = self._heard = True
        self._ends: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._open_door, daemon=True).start()

    def lose(self) -> None:
        """Hand on nothing more, while both sides believe that the line is whole."""
        self._heard = False

    def cut(self) -> None:
        """Let both sides know; whoever comes now waits for `mend`."""
        with self._state:
            self._whole = False
            for end in self._ends:
                _shut(end)
            self._ends.clear()

    def mend(self) -> None:
        """Hand on again."""
        with self._state:
            self._whole = self._heard = True
            self._state.notify_all()

    def close(self) -> None:
        """Take nobody in any more."""
        self._door.close()

    def _open_door(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                threading.Thread(target=self._serve, args=(self._door.accept()[0],), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._port))
        except OSError:  # it has gone
            return browser.close()
        with self._state:
            self._state.wait_for(lambda: self._whole)
            self._ends += [browser, server]
        threading.Thread(target=self._hand_on, args=(server, browser), daemon=True).start()
        self._hand_on(browser, server)

    def _hand_on(self, giver: socket.socket, taker: socket.socket) -> None:
        with contextlib.suppress(OSError):  # cut, or one of them has gone
            while data := giver.recv(65536):
                if self._heard:
                    taker.sendall(data)
        _shut(taker)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was before
        end.shutdown(socket.SHUT_RDWR)
