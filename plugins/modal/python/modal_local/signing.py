"""URLs that nobody can guess: paths with a keyed signature."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from modal_local.store.database import Database

_META_KEY = "url_key"


class UrlSigner:
    """Makes and checks URLs below the control server. The key is kept, so that URLs survive a restart."""

    def __init__(self, database: Database, base_url: str) -> None:
        """Read the key, or make it at the first start."""
        row = database.row("SELECT value FROM meta WHERE key=?", (_META_KEY,))
        if row is None:
            key = secrets.token_hex(32)
            database.execute("INSERT INTO meta (key, value) VALUES (?,?)", (_META_KEY, key))
        else:
            key = str(row[0])
        self._key = key.encode()
        self._base_url = base_url

    def url(self, *parts: str) -> str:
        """Return a signed URL with these path segments."""
        path = "/".join(quote(part, safe="") for part in parts)
        return f"{self._base_url}/t/{self._signature(parts)}/{path}"

    def valid(self, signature: str, *parts: str) -> bool:
        """Whether a signature belongs to these path segments."""
        return hmac.compare_digest(self._signature(parts), signature)

    def _signature(self, parts: tuple[str, ...]) -> str:
        content = "\0".join(parts).encode()
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()[:43]
