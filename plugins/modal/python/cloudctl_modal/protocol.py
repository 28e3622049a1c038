"""The protocol's types (../../protocol/README.md), read from and written to JSON at the border."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

from cloudctl_modal.decode import (
    Fields,
    MisfitError,
    NameMisfitError,
    boolean,
    choice,
    filled,
    integer,
    limited,
    listing,
    matching,
    positive,
    text,
)

if TYPE_CHECKING:
    from cloudctl_modal.errors import Json

PROTOCOL = 1
HTTP_SUFFIX = "-http"

HandlerKind = Literal["sync", "async", "generator", "asyncGenerator", "unknown"]
ParameterKind = Literal["positional", "keyword", "varPositional", "varKeyword"]
UrlKind = Literal["private", "public", "none"]
Root = Literal["src"]

digest = matching(r"(sha256:)?[0-9a-f]{64}", "must be a SHA-256 digest in hexadecimal")
python_version = matching(r"3\.\d{1,2}(\.\d{1,2})?", "must be a Python version such as 3.11")
_variable = matching(r"[A-Za-z_][A-Za-z0-9_]*", "must be a name of a variable")
_mount_path = matching(r"/.+", "must be an absolute path")


def object_name(value: Json, where: str) -> str:
    """The name of an app, a volume or a secret, by Modal's rule."""
    name = text(value, where)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise NameMisfitError(where, f"{name!r} must be 1 to 64 letters, digits, dots, dashes or underscores")
    if re.fullmatch(r"ap-[A-Za-z0-9]{22}", name):
        raise NameMisfitError(where, f"{name!r} looks like the id of an app, which Modal does not take for a name")
    return name


def function_name(value: Json, where: str) -> str:
    """A function's name; the HTTP companions' suffix is reserved."""
    name = text(value, where)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise NameMisfitError(where, f"{name!r} must be 1 to 64 letters, digits, dashes or underscores, without dots")
    if name.endswith(HTTP_SUFFIX):
        raise NameMisfitError(where, f"{name!r} must not end in {HTTP_SUFFIX}, which is kept for HTTP companions")
    return name


@dataclass(frozen=True)
class Parameter:
    """One parameter of a handler."""

    name: str
    kind: ParameterKind
    required: bool

    def to_json(self) -> dict[str, Json]:
        return {"name": self.name, "kind": self.kind, "required": self.required}


@dataclass(frozen=True)
class Signature:
    """What `inspect` found; ``file`` is relative to the package, ``line`` counts from 1.

    ``root`` is a folder of the package that is on the module path too, behind the package itself.
    """

    module: str
    attribute: str
    file: str
    line: int
    kind: HandlerKind
    parameters: tuple[Parameter, ...]
    root: Root | None = None

    def to_json(self) -> dict[str, Json]:
        found: dict[str, Json] = {
            "module": self.module,
            "attribute": self.attribute,
            "file": self.file,
            "line": self.line,
            "kind": self.kind,
            "parameters": [parameter.to_json() for parameter in self.parameters],
        }
        return found if self.root is None else {**found, "root": self.root}


def read_parameter(value: Json, where: str) -> Parameter:
    fields = Fields(value, where)
    kind = fields.required("kind", choice("positional", "keyword", "varPositional", "varKeyword"))
    return Parameter(fields.required("name", filled), cast("ParameterKind", kind), fields.required("required", boolean))


def read_signature(value: Json, where: str) -> Signature:
    fields = Fields(value, where)
    kind = fields.required("kind", choice("sync", "async", "generator", "asyncGenerator", "unknown"))
    return Signature(
        fields.required("module", filled),
        fields.required("attribute", filled),
        fields.required("file", filled),
        fields.required("line", integer(1)),
        cast("HandlerKind", kind),
        tuple(fields.required("parameters", listing(read_parameter))),
        cast("Root | None", fields.optional("root", choice("src"))),
    )


@dataclass(frozen=True)
class Package:
    """The directory whose content becomes /root, and its content's digest."""

    digest: str
    directory: str


@dataclass(frozen=True)
class Image:
    """``reference`` is None for Modal's own image; ``python`` is a version or, with a reference, None."""

    reference: str | None
    python: str | None

    def to_json(self) -> dict[str, Json]:
        if self.reference is None:
            return {"kind": "modal", "python": self.python}
        return {"kind": "registry", "reference": self.reference, "python": self.python}


@dataclass(frozen=True)
class VolumeMount:
    name: str
    path: str


@dataclass(frozen=True)
class Function:
    """One function to deploy: cpu in cores, memory in MiB, times in seconds."""

    name: str
    handler: str
    package: Package
    image: Image
    cpu: float
    memory: int
    timeout: int
    url: UrlKind
    requirements: str | None = None
    extras: tuple[str, ...] = ()
    gpu: str | None = None
    min_containers: int | None = None
    max_containers: int | None = None
    scaledown_window: int | None = None
    env: dict[str, str] = field(default_factory=dict)
    volumes: tuple[VolumeMount, ...] = ()
    secrets: tuple[str, ...] = ()
    schedule: str | None = None
    spec: Json = None
    deployed_at: str | None = None

    def in_directory(self, directory: str) -> Function:
        """The same function with its package found elsewhere."""
        return replace(self, package=replace(self.package, directory=directory))

    def to_json(self) -> dict[str, Json]:
        """As `deployApp` takes it; the directory is this machine's matter and is left out."""
        return {
            "name": self.name,
            "handler": self.handler,
            "package": {"digest": self.package.digest},
            "image": self.image.to_json(),
            "requirements": self.requirements,
            "extras": list(self.extras),
            "cpu": self.cpu,
            "memory": self.memory,
            "gpu": self.gpu,
            "timeout": self.timeout,
            "minContainers": self.min_containers,
            "maxContainers": self.max_containers,
            "scaledownWindow": self.scaledown_window,
            "env": dict(self.env),
            "volumes": [{"name": mount.name, "path": mount.path} for mount in self.volumes],
            "secrets": list(self.secrets),
            "schedule": self.schedule,
            "url": self.url,
            "spec": self.spec,
        }


def _read_package(value: Json, where: str) -> Package:
    fields = Fields(value, where)
    package = Package(fields.required("digest", digest), fields.required("directory", filled))
    fields.end()
    return package


def _read_image(value: Json, where: str) -> Image:
    fields = Fields(value, where)
    if fields.required("kind", choice("modal", "registry")) == "modal":
        image = Image(None, fields.required("python", python_version))
    else:
        image = Image(fields.required("reference", filled), fields.optional("python", python_version))
    fields.end()
    return image


def _read_mount(value: Json, where: str) -> VolumeMount:
    fields = Fields(value, where)
    mount = VolumeMount(fields.required("name", object_name), fields.required("path", _mount_path))
    fields.end()
    return mount


def _read_env(value: Json, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise MisfitError(where, "must be an object")
    return {_variable(name, f"{where}.{name}"): text(content, f"{where}.{name}") for name, content in value.items()}


def read_function(value: Json, where: str) -> Function:
    fields = Fields(value, where)
    function = Function(
        name=fields.required("name", function_name),
        handler=fields.required("handler", limited(500)),
        package=fields.required("package", _read_package),
        image=fields.required("image", _read_image),
        cpu=fields.required("cpu", positive),
        memory=fields.required("memory", integer(1)),
        timeout=fields.required("timeout", integer(1)),
        url=cast("UrlKind", fields.required("url", choice("private", "public", "none"))),
        requirements=fields.optional("requirements", filled),
        extras=tuple(fields.optional("extras", listing(filled)) or ()),
        gpu=fields.optional("gpu", filled),
        min_containers=fields.optional("minContainers", integer(0)),
        max_containers=fields.optional("maxContainers", integer(1)),
        scaledown_window=fields.optional("scaledownWindow", integer(1)),
        env=fields.optional("env", _read_env) or {},
        volumes=tuple(fields.optional("volumes", listing(_read_mount)) or ()),
        secrets=tuple(fields.optional("secrets", listing(object_name)) or ()),
        schedule=fields.optional("schedule", filled),
        spec=fields.raw("spec"),
        deployed_at=fields.optional("deployedAt", filled),
    )
    fields.end()
    return function
