"""Every setting of the service, read from the environment once. The README's table is made from this file."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from mlp.corrections import Corrections
from mlp.errors import InvalidLocation
from mlp.store import CACHE, open_store
from service.errors import SettingsError


def processors() -> int:
    """Give the number of processors that this process may use, a container's CPU limit included, at least 1."""
    available = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(available, int(quota) // int(period)))
    except (OSError, ValueError):  # no such limit: no file, or "max" for the quota
        return available


def _location(value: object) -> str:
    try:
        return open_store(str(value)).location
    except InvalidLocation as error:
        raise ValueError(str(error)) from error


def _database(value: object) -> SecretStr | None:
    """Give a database's URL, whose password nobody should see; None for an empty one."""
    url = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
    if not url:
        return None
    try:
        Corrections(url)
    except InvalidLocation as error:
        raise ValueError(str(error)) from error
    return SecretStr(url)


class Settings(BaseSettings):
    """What can be set; the sentence under a field is its description."""

    model_config = SettingsConfigDict(env_prefix="MLP_", frozen=True, use_attribute_docstrings=True)

    port: int = Field(default=8000, ge=0, le=65535, validation_alias="PORT")
    """TCP port to listen on."""
    host: str = Field(default="127.0.0.1", validation_alias="HOST")
    """Address to listen on; the container sets 0.0.0.0."""
    workers: int = Field(default_factory=processors, ge=1, le=512, validation_alias="WEB_CONCURRENCY")
    """Worker processes; by default as many as there are processors."""
    models: Annotated[str, BeforeValidator(_location)] = "models"
    """The model store: a folder, or `s3://bucket/prefix`."""
    cache: str = CACHE
    """Folder in which what is read from a bucket is kept, for a start while it cannot be reached."""
    max_body_bytes: int = Field(default=32 * 2**20, ge=1)
    """Largest request body; more is answered with 413."""
    max_bodies_bytes: int = Field(default=256 * 2**20, ge=1)
    """Most bytes that long bodies may have together in a worker, until they are answered; more is answered with 503."""
    max_image_pixels: int = Field(default=50_000_000, ge=1)
    """Most pixels of one picture (a WebP: half), and an eighth of a request's, known before decoding; more gets 413."""
    max_batch: int = Field(default=4096, ge=1)
    """Most pictures in one request; more is answered with 413."""
    max_upload_bytes: int = Field(default=64 * 2**20, ge=1)
    """Largest version file that an admin may send; more is answered with 413."""
    poll_seconds: float = Field(default=1.0, gt=0, le=3600)
    """How often the store is looked at, to see whether an alias has moved."""
    swap_seconds: float = Field(default=20.0, gt=0, le=3600)
    """How long loading a version may take before it is refused and the old one stays."""
    queue_seconds: float = Field(default=5.0, gt=0, le=3600)
    """How long a request may wait for others to be answered, a tenth where some have waited all that time; else 503."""
    admin_token: Annotated[SecretStr | None, BeforeValidator(lambda given: given or None)] = None
    """What an admin's requests must carry as `Authorization: Bearer …`; without it, or empty, they are all refused."""
    admin_tokens_file: str | None = None
    """File of more admin tokens, a line each: a name and a token; it is read again whenever it changes."""
    shadow_queue: int = Field(default=256, ge=1, le=100_000)
    """Most pictures that wait in a worker to be answered by the shadow, too; what comes more is not compared."""
    shadow_examples: int = Field(default=0, ge=0, le=1000)
    """Pictures on which the shadow disagreed that are kept and shown; 0, because they are what clients sent."""
    feedback: Annotated[SecretStr | None, BeforeValidator(_database)] = None
    """The database that corrections are kept in: `sqlite:///file` or `postgresql://…`; without it none are kept."""
    feedback_per_minute: int = Field(default=60, ge=1, le=100_000)
    """Most corrections that are kept within a minute, whoever sends them; more are answered with 429."""
    feedback_max: int = Field(default=10_000, ge=1, le=10_000_000)
    """Most corrections that are kept in all; more are answered with 507."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe events that are logged; each request is one of level info."""
    log_format: Literal["json", "text"] = "json"
    """Whether a line of the log is a JSON object, or text for people."""
    metrics: Literal["on", "off"] = "on"
    """Whether requests and predictions are counted for `/metrics`; off, it tells of models and workers alone."""
    traces_exporter: Literal["otlp", "console", "none"] | None = Field(
        default=None, validation_alias="OTEL_TRACES_EXPORTER"
    )
    """Where OpenTelemetry's traces go (extra `tracing`); unset, to `OTEL_EXPORTER_OTLP_ENDPOINT` if that is set."""
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """A collector's address for OTLP over HTTP, such as `http://collector:4318`."""
    otel_disabled: bool = Field(default=False, validation_alias="OTEL_SDK_DISABLED")
    """`true` for no traces, whatever the other variables say."""

    @property
    def traces(self) -> Literal["otlp", "console"] | None:
        """Where traces go; None for nowhere."""
        if self.otel_disabled or self.traces_exporter == "none":
            return None
        return self.traces_exporter or ("otlp" if self.otlp_endpoint else None)

    @classmethod
    def load(cls) -> "Settings":
        """Read the environment. Raises SettingsError naming the variable and what it may be."""
        try:
            return cls()
        except ValidationError as error:
            lines = [f"{variable(str(e['loc'][0]))}: {e['msg']}{_got(e)}" for e in error.errors()]
            raise SettingsError("; ".join(lines)) from None  # it has the values in it


def variable(field: str) -> str:
    """Give the environment variable of a field, or of the alias that pydantic names instead of it."""
    known = Settings.model_fields.get(field)
    if known is None:
        return field
    return str(known.validation_alias) if known.validation_alias else f"MLP_{field.upper()}"


_SECRET: Final = ("feedback", "admin_token")


def _got(error: ErrorDetails) -> str:
    """Give what a wrong value is, unless it may hold a password."""
    return "" if error["loc"][0] in _SECRET else f", got {error['input']!r}"
