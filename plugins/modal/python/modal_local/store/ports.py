"""Ports, chosen once at random and kept, so that URLs survive a restart."""

from __future__ import annotations

import logging
import random
import socket
from typing import TYPE_CHECKING, cast

from modal_local import limits

if TYPE_CHECKING:
    from modal_local.store.database import Database

HOST = "127.0.0.1"

_log = logging.getLogger(__name__)


class PortBook:
    """Which port belongs to what. Keys are ``grpc``, ``control`` and ``web:<environment>:<app>:<function>``."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def port(self, key: str) -> int:
        """Return the port of ``key``, choosing a free one the first time."""
        row = self._database.row("SELECT port FROM ports WHERE key=?", (key,))
        return cast("int", row[0]) if row else self._choose(key)

    def web_keys(self) -> list[str]:
        """Return the keys of all web functions."""
        return [str(key) for (key,) in self._database.rows("SELECT key FROM ports WHERE key LIKE 'web:%'")]

    def bind(self, key: str) -> socket.socket:
        """Return a listening socket on the port of ``key``; where it is taken, move to another one and say so."""
        port = self.port(key)
        listener = _listen(port)
        while listener is None:
            _log.warning("port %d of %s is taken; choosing another one", port, key)
            port = self._choose(key)
            listener = _listen(port)
        return listener

    def _choose(self, key: str) -> int:
        taken = {port for (port,) in self._database.rows("SELECT port FROM ports")}
        while True:
            port = random.randint(limits.FIRST_PORT, limits.LAST_PORT)
            if port in taken:
                continue
            probe = _listen(port)
            if probe is None:
                continue
            probe.close()
            self._database.execute("INSERT OR REPLACE INTO ports (key, port) VALUES (?,?)", (key, port))
            return port


def _listen(port: int) -> socket.socket | None:
    # Naming the protocol matters: asyncio turns Nagle's algorithm off only for sockets that are TCP by name, and
    # with it on every call would take two times 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without this a restart within a minute would find its own port in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(256)
        listener.setblocking(False)
    except OSError:
        listener.close()
        return None
    return listener
