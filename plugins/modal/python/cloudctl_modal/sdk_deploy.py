"""The SDK's own deploy, and what it tells while it runs. Like sdk.py, it reaches behind the public interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modal._utils.async_utils import synchronizer
from modal.runner import deploy_app

if TYPE_CHECKING:
    from collections.abc import Callable

    import modal
    from modal_proto import api_pb2


def app_id_of(app: modal.App) -> str | None:
    """Id of an app that is just being deployed, as soon as the SDK knows it."""
    untyped: Any = synchronizer
    inner: Any = untyped._translate_in(app)  # noqa: SLF001 - there is no public way
    context = getattr(inner, "_root_load_context", None)
    number = getattr(context, "_app_id", None) or getattr(context, "app_id", None)
    return str(number) if number else None


async def deploy(app: modal.App, name: str, client: modal.Client, tag: str) -> tuple[str, list[str]]:
    """Deploy; id of the app and the server's warnings. ``tag`` labels the version in the app's history."""
    result = await deploy_app.aio(app, name=name, client=client, tag=tag)
    return result.app_id, list(result.warnings)


class ProgressSink:
    """What the SDK tells while it deploys; override what is of interest."""

    def row(self, message: str) -> None:
        """A step such as 'Creating function one...' or its end."""

    def warning(self, message: str) -> None:
        """The server's warning about a function."""

    def build_log(self, text: str) -> None:
        """Some output of an image build."""


def install_output(current: Callable[[], ProgressSink | None]) -> bool:
    """Send the SDK's progress to the ``current`` sink of the running context; False when this SDK does not let us."""
    try:
        from modal._output.manager import DisabledOutputManager, DisabledStatusRow, OutputManager

        class Row(DisabledStatusRow):
            def __init__(self) -> None:
                # A row stays with the deploy that it was made for, whichever thread writes to it later.
                self._sink = current()

            def message(self, message: str) -> None:
                if self._sink is not None:
                    self._sink.row(message)

            def warn(self, warning: api_pb2.Warning) -> None:
                if self._sink is not None:
                    self._sink.warning(warning.message)

            def finish(self, message: str) -> None:
                self.message(message)

        class Output(DisabledOutputManager):
            def add_status_row(self) -> Row:
                return Row()

            async def put_streaming_log(self, log: api_pb2.TaskLogs, prefix: str = "") -> None:  # noqa: ARG002
                sink = current()
                if sink is not None:
                    sink.build_log(log.data)

        OutputManager._set(Output())  # noqa: SLF001 - as above
    except Exception:  # noqa: BLE001 - progress is a comfort; its loss must not stop a deploy
        return False
    return True
