"""What clients get to know about a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.store.ports import HOST

if TYPE_CHECKING:
    from modal_local.store.apps import App
    from modal_local.store.functions import FunctionRow
    from modal_local.store.ports import PortBook


def port_key(environment: str, app_name: str, function_name: str) -> str:
    """Return under which key the port of a web function is kept."""
    return f"web:{environment}:{app_name}:{function_name}"


def split_port_key(key: str) -> tuple[str, str, str]:
    """Return environment, app and function of a key."""
    _, environment, app_name, function_name = key.split(":", 3)
    return environment, app_name, function_name


def is_web(webhook: api_pb2.WebhookConfig) -> bool:
    """Whether a function answers HTTP."""
    return webhook.type != api_pb2.WEBHOOK_TYPE_UNSPECIFIED


def web_url(ports: PortBook, app: App, function_name: str) -> str:
    """Return the URL of a web function, giving it a port the first time."""
    return f"http://{HOST}:{ports.port(port_key(app.environment, app.name, function_name))}"


def handle_metadata(
    ports: PortBook, app: App, row: FunctionRow, definition: api_pb2.Function, definition_id: str
) -> api_pb2.FunctionHandleMetadata:
    """Return what a client's function handle holds."""
    return api_pb2.FunctionHandleMetadata(
        app_id=app.app_id,
        function_name=row.name,
        function_type=definition.function_type,
        web_url=web_url(ports, app, row.name) if is_web(definition.webhook_config) else "",
        definition_id=definition_id,
        function_schema=definition.function_schema if definition.HasField("function_schema") else None,
        supported_input_formats=definition.supported_input_formats,
        supported_output_formats=definition.supported_output_formats,
    )


def function_data(definition: api_pb2.Function, url: str) -> api_pb2.FunctionData:
    """Return a definition in the shape in which clients read it back."""
    data = api_pb2.FunctionData()
    fields = api_pb2.Function.DESCRIPTOR.fields_by_name
    for field in api_pb2.FunctionData.DESCRIPTOR.fields:
        own = fields.get(field.name)
        if own is None or own.number == 0 or own.type != field.type:
            continue
        if field.type == field.TYPE_MESSAGE and own.message_type is not field.message_type:
            continue
        _copy_field(definition, data, field.name)
    data.web_url = url
    data.ranked_functions.append(api_pb2.FunctionData.RankedFunction(rank=0, function=definition))
    return data


def _copy_field(source: api_pb2.Function, target: api_pb2.FunctionData, name: str) -> None:
    # Merging a one-field message copies scalars, repeated fields, maps and messages alike.
    single = {field.name: value for field, value in source.ListFields() if field.name == name}
    if name in single:
        target.MergeFrom(api_pb2.FunctionData(**single))
