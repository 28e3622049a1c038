"""Starts real Local Modal servers and deploys real functions to them with the real SDK."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modal
from modal._utils import async_utils
from modal.runner import deploy_app

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from email.message import Message
    from types import ModuleType

PYTHON_DIRECTORY = Path(__file__).resolve().parents[2]
SAMPLES = Path(__file__).with_name("samples")
START_TIMEOUT = 15.0
STOP_TIMEOUT = 10.0


class LocalServer:
    """A server process with its own state directory."""

    def __init__(self, state: Path, environment: Mapping[str, str] | None = None) -> None:
        self.state = state
        self._extra = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._client: modal.Client | None = None
        self.start_time = 0.0

    @property
    def info(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.state / "server.json").read_text())
        return document

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self.state.with_suffix(".log").read_text()

    def command(self, version: str = "test") -> list[str]:
        return [sys.executable, "-m", "modal_local", "serve", "--state", str(self.state), "--version", version]

    def start(self) -> LocalServer:
        started = time.monotonic()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MODAL_")}
        environment.update({"PYTHONPATH": str(PYTHON_DIRECTORY), "A_SECRET_OF_THE_SERVER": "must not leak"})
        environment.update(self._extra)
        with self.state.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._is_ready, START_TIMEOUT, "the server to be ready")
        self.start_time = time.monotonic() - started
        return self

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}:\n{self.log}")
        try:
            return bool(self.info["pid"] == self._process.pid)
        except (OSError, ValueError):
            return False

    @property
    def environment(self) -> dict[str, str]:
        info = self.info
        return {
            "MODAL_SERVER_URL": info["url"],
            "MODAL_TOKEN_ID": info["token_id"],
            "MODAL_TOKEN_SECRET": info["token_secret"],
            "MODAL_CONFIG_PATH": str(self.state / "no-such-config.toml"),
            "MODAL_DISABLE_API_PROXY": "1",
        }

    @property
    def client(self) -> modal.Client:
        if self._client is None:
            os.environ.update(self.environment)
            info = self.info
            self._client = modal.Client.from_credentials(info["token_id"], info["token_secret"])
        return self._client

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment, "COLUMNS": "200", "NO_COLOR": "1"}
        result = subprocess.run(
            [sys.executable, "-m", "modal", *arguments],
            env=environment, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    def control(self, method: str, path: str, *, tokens: bool = True) -> tuple[int, str]:
        headers = self.proxy_headers if tokens else {}
        answer = http(self.info["control_url"] + path, method=method, headers=headers)
        return answer.status, answer.text

    @property
    def proxy_headers(self) -> dict[str, str]:
        return {"Modal-Key": self.info["token_id"], "Modal-Secret": self.info["token_secret"]}

    def stop(self) -> int:
        """End the server with SIGTERM and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server with SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        self._client = None
        if self._process is None:
            return 0
        self._process.send_signal(number)
        try:
            return self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT)
            raise AssertionError(f"the server did not end:\n{self.log}") from None
        finally:
            self._process = None

    # --- deploying ------------------------------------------------------------------------------------------------

    def deploy(self, name: str, functions: Mapping[str, Fn], **options: Any) -> Any:
        """Deploy an app of sample functions the way CloudCTL does: from outside, without decorators in the file."""
        app = modal.App(name, **options)
        for function_name, wanted in functions.items():
            target: Any = getattr(load(wanted.sample), wanted.attribute)
            if wanted.web is not None:
                target = wanted.web(target)
            app.function(name=function_name, **wanted.options)(target)
        return deploy_app(app, client=self.client)

    def function(self, app: str, name: str) -> Any:
        return modal.Function.from_name(app, name, client=self.client)


class Fn:
    """A function of a sample file and how to deploy it."""

    def __init__(self, target: str, web: Callable[[Any], Any] | None = None, **options: Any) -> None:
        self.sample, _, self.attribute = target.partition(":")
        self.web = web
        self.options = options


_loaded: dict[str, ModuleType] = {}


def load(sample: str) -> ModuleType:
    """Import a sample from a file with a unique stem, as the SDK names modules by it."""
    if sample not in _loaded:
        directory = Path(os.environ["SAMPLE_DIRECTORY"])
        stem = f"{sample}_{uuid.uuid4().hex[:8]}"
        path = directory / f"{stem}.py"
        shutil.copyfile(SAMPLES / f"{sample}.py", path)
        spec = importlib.util.spec_from_file_location(stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[stem] = module
        spec.loader.exec_module(module)
        _loaded[sample] = module
    return _loaded[sample]


class Answer:
    """An HTTP answer, whatever its status."""

    def __init__(self, status: int, headers: Message, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()


def http(
    url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, data: bytes | None = None
) -> Answer:
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}), method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


def rpc(server: LocalServer, name: str, message: Any) -> Any:
    """Send one request as the SDK sends it, with its errors."""
    utils: Any = async_utils
    client = utils.synchronizer._translate_in(server.client)

    async def send() -> Any:
        return await getattr(client._stub, name)(message)

    return utils.synchronize_api(send)()


def wait_until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(0.03)


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
