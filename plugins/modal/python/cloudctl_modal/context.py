"""What a running request may use: its notifications and its warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cloudctl_modal.errors import Json

Stage = Literal["connect", "image", "upload", "function", "publish", "record"]
State = Literal["running", "done"]


class RequestContext:
    """One running request, as its method sees it."""

    def __init__(
        self,
        request_id: int,
        send: Callable[[dict[str, Json]], None],
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self.id = request_id
        self._send = send
        self._room = room
        self._warnings: dict[str, None] = {}
        self.ended = False

    @property
    def warnings(self) -> list[Json]:
        """Text for a person, each once, in the order of arrival."""
        return list(self._warnings)

    def warn(self, message: str) -> None:
        """Add one warning to the reply."""
        message = " ".join(message.split())
        if message:
            self._warnings[message] = None

    def progress(self, stage: Stage, state: State, message: str, log: str | None = None) -> None:
        """Tell the parent how far the request is; ``log`` is one line of an image build."""
        if self.ended:
            return
        params: dict[str, Json] = {"id": self.id, "stage": stage, "state": state, "message": message}
        if log is not None:
            params["log"] = log
        self._send({"method": "progress", "params": params})

    async def item(self, value: Json) -> None:
        """Send one value of a generator; waits while the parent is behind."""
        if not self.ended:
            self._send({"method": "item", "params": {"id": self.id, "value": value}})
            await self._room()
