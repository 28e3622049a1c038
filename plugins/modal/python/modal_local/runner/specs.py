"""Turns what is stored about a function into the specification of its containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.images import ImageFacts, image_facts
from modal_local.metadata import handle_metadata
from modal_local.runner.container import ContainerSpec
from modal_local.runner.filesystem import FilePlacement, VolumePlacement
from modal_local.runner.settings import pool_settings

if TYPE_CHECKING:
    from modal_local.context import Stores
    from modal_local.store.apps import App
    from modal_local.store.blobs import BlobDirectory
    from modal_local.store.functions import FunctionRow
    from modal_local.volumes import VolumeFiles


class SpecMaker:
    """Reads the stores; remembers what it made as long as nothing changed."""

    def __init__(self, stores: Stores, blobs: BlobDirectory, volumes: VolumeFiles) -> None:
        """Use these stores."""
        self._stores = stores
        self._blobs = blobs
        self._volumes = volumes
        self.server_url = ""
        self._made: dict[str, ContainerSpec] = {}

    def forget(self, function_id: str) -> None:
        """Forget what was made for a function, after a deploy or a change of a secret."""
        self._made.pop(function_id, None)

    def forget_all(self) -> None:
        """Forget everything that was made."""
        self._made.clear()

    def make(self, function_id: str) -> ContainerSpec:
        """Return the specification, or raise LookupError with a reason for callers."""
        row = self._stores.functions.get(function_id)
        if row is None:
            message = f"Function {function_id} does not exist any more."
            raise LookupError(message)
        app = self._stores.apps.get(row.app_id)
        if app is None or not app.running:
            message = f"The app of function '{row.name}' is stopped."
            raise LookupError(message)
        if row.definition_id is None:
            message = f"Function '{row.name}' is no longer part of app '{app.name}'."
            raise LookupError(message)
        made = self._made.get(function_id)
        if made is None or made.definition_id != row.definition_id:
            made = self._made[function_id] = self._make(app, row, row.definition_id)
        return made

    def _make(self, app: App, row: FunctionRow, definition_id: str) -> ContainerSpec:
        definition = self._stores.functions.definition(definition_id)
        if definition is None:
            message = f"The definition of function '{row.name}' is lost; deploy it again."
            raise LookupError(message)
        facts = image_facts(self._stores.images, self._stores.mounts, definition.image_id)
        return ContainerSpec(
            app_id=app.app_id,
            function_id=row.function_id,
            function_name=row.name,
            definition_id=definition_id,
            definition=definition,
            settings=pool_settings(definition),
            layout=self.layout(app),
            environment_name=app.environment,
            server_url=self.server_url,
            files=self._files(definition, facts),
            volumes=self._mounted_volumes(definition),
            values={**facts.variables, **self._secret_values(definition)},
            working_directory=facts.working_directory,
        )

    def layout(self, app: App) -> api_pb2.AppLayout:
        """Return the app's layout as clients and containers see it."""
        layout = api_pb2.AppLayout()
        for row in self._stores.functions.live(app.app_id):
            if row.definition_id is None:
                continue
            definition = self._stores.functions.definition(row.definition_id)
            if definition is None:
                continue
            layout.function_ids[row.name] = row.function_id
            metadata = handle_metadata(self._stores.ports, app, row, definition, row.definition_id)
            layout.objects.append(api_pb2.Object(object_id=row.function_id, function_handle_metadata=metadata))
            for dependency in definition.object_dependencies:
                known = any(item.object_id == dependency.object_id for item in layout.objects)
                if not known:
                    layout.objects.append(self._dependency(dependency.object_id))
        return layout

    def _dependency(self, object_id: str) -> api_pb2.Object:
        volume = self._stores.volumes.get(object_id)
        if volume is not None:
            metadata = api_pb2.VolumeMetadata(version=volume.version, name=volume.name)
            return api_pb2.Object(object_id=object_id, volume_metadata=metadata)
        if object_id.startswith("mo-"):
            return api_pb2.Object(object_id=object_id, mount_handle_metadata=api_pb2.MountHandleMetadata())
        return api_pb2.Object(object_id=object_id)

    def _files(self, definition: api_pb2.Function, facts: ImageFacts) -> list[FilePlacement]:
        placements: list[FilePlacement] = []
        for mount_id, directory in facts.copies:
            for file in self._stores.mounts.files(mount_id):
                target = f"{directory.rstrip('/')}/{file.filename.lstrip('/')}"
                placements.append(FilePlacement(self._blobs.path(file.sha256_hex), target, file.mode))
        for mount_id in definition.mount_ids:
            for file in self._stores.mounts.files(mount_id):
                target = "/" + file.filename.lstrip("/")
                placements.append(FilePlacement(self._blobs.path(file.sha256_hex), target, file.mode))
        return placements

    def _mounted_volumes(self, definition: api_pb2.Function) -> list[VolumePlacement]:
        placements = []
        for mount in definition.volume_mounts:
            directory = self._volumes.directory(mount.volume_id)
            if mount.sub_path:
                directory = self._volumes.inside(mount.volume_id, mount.sub_path)
            directory.mkdir(parents=True, exist_ok=True)
            placements.append(VolumePlacement(directory, mount.mount_path, mount.read_only))
        return placements

    def _secret_values(self, definition: api_pb2.Function) -> dict[str, str]:
        values: dict[str, str] = {}
        for secret_id in definition.secret_ids:
            secret = self._stores.secrets.get(secret_id)
            if secret is not None:
                values.update(secret.values)
        return values
