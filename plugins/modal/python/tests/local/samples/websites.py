"""ASGI apps without any framework."""

# What users write: neither typed nor linted.
# mypy: ignore-errors
# ruff: noqa

import asyncio
import json
import os


async def _lifespan_refused(scope):
    if scope["type"] != "http":
        raise RuntimeError("only HTTP here")


async def _body(receive):
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("gone")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts), len(parts)


async def _answer(send, status, body, content_type=b"text/plain", extra=()):
    headers = [(b"content-type", content_type), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def echo():
    async def app(scope, receive, send):
        await _lifespan_refused(scope)
        body, parts = await _body(receive)
        document = {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "headers": [[k.decode(), v.decode()] for k, v in scope["headers"]],
            "size": len(body),
            "parts": parts,
            "pid": os.getpid(),
        }
        cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await _answer(send, 201, json.dumps(document).encode(), b"application/json", cookies)

    return app


def stream():
    async def app(scope, receive, send):
        await _lifespan_refused(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        for number in range(3):
            await send({"type": "http.response.body", "body": f"part {number}\n".encode(), "more_body": True})
            await asyncio.sleep(0.4)
        await send({"type": "http.response.body", "body": b"end\n"})

    return app


def big():
    async def app(scope, receive, send):
        await _lifespan_refused(scope)
        await _answer(send, 200, b"x" * 12_000_000)

    return app


def failing():
    async def app(scope, receive, send):
        await _lifespan_refused(scope)
        if scope["path"] == "/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            await asyncio.sleep(0.2)
        if scope["path"] == "/exit":
            os._exit(3)
        if scope["path"] == "/slow":
            await asyncio.sleep(30)
        raise ValueError("the handler failed")

    return app


def watcher():
    """Writes to a volume when the client goes away."""

    async def app(scope, receive, send):
        await _lifespan_refused(scope)
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        message = await receive()
        with open("/models/" + scope["path"].strip("/"), "w") as stream:
            stream.write(message["type"])

    return app


def forwarder():
    """Passes requests on to another function of the app, as CloudCTL's companion does."""

    async def app(scope, receive, send):
        await _lifespan_refused(scope)
        import modal

        body, _ = await _body(receive)
        request = json.loads(body)
        target = modal.Function.from_name(request["app"], request["function"])
        try:
            if request.get("generator"):
                result = [item async for item in target.remote_gen.aio(*request["args"])]
            else:
                result = await target.remote.aio(*request["args"])
        except Exception as error:
            await _answer(send, 500, f"{type(error).__name__}: {error}".encode())
            return
        await _answer(send, 200, json.dumps(result).encode(), b"application/json")

    return app


def old_style():
    def app(environ, start_response):
        body = environ["wsgi.input"].read()
        start_response("202 Accepted", [("Content-Type", "text/plain")])
        return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ['QUERY_STRING']} {len(body)}".encode()]

    return app
