"""The configuration: read, and written with its comments kept."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject


@frozen(kw_only=True)
class ConfigReadParams:
    """Asks `config/read`."""

    include_layers: bool = False
    cwd: str | None = None


@frozen(kw_only=True)
class EnterpriseManagedLayer:
    """Set by an organisation."""

    type: ClassVar[Literal["enterpriseManaged"]] = "enterpriseManaged"
    id: str
    name: str


@frozen(kw_only=True)
class LegacyManagedFileLayer:
    """Set by a managed file of the old kind."""

    type: ClassVar[Literal["legacyManagedConfigTomlFromFile"]] = "legacyManagedConfigTomlFromFile"
    file: str


@frozen(kw_only=True)
class LegacyManagedMdmLayer:
    """Set by a device's management, in the old way."""

    type: ClassVar[Literal["legacyManagedConfigTomlFromMdm"]] = "legacyManagedConfigTomlFromMdm"


@frozen(kw_only=True)
class MdmLayer:
    """Set by a device's management."""

    type: ClassVar[Literal["mdm"]] = "mdm"
    domain: str
    key: str


@frozen(kw_only=True)
class PackagedDefaultsLayer:
    """Set by who packaged the program."""

    type: ClassVar[Literal["packagedDefaults"]] = "packagedDefaults"
    file: str


@frozen(kw_only=True)
class ProjectLayer:
    """Set by a project's folder."""

    type: ClassVar[Literal["project"]] = "project"
    dot_codex_folder: str


@frozen(kw_only=True)
class SessionFlagsLayer:
    """Set by options of this run."""

    type: ClassVar[Literal["sessionFlags"]] = "sessionFlags"


@frozen(kw_only=True)
class SystemLayer:
    """Set for all users of the machine."""

    type: ClassVar[Literal["system"]] = "system"
    file: str


@frozen(kw_only=True)
class UserLayer:
    """Set by the user's file."""

    type: ClassVar[Literal["user"]] = "user"
    file: str
    profile: str | None = null()


ConfigLayerSource: TypeAlias = (
    PackagedDefaultsLayer
    | MdmLayer
    | SystemLayer
    | EnterpriseManagedLayer
    | UserLayer
    | ProjectLayer
    | SessionFlagsLayer
    | LegacyManagedFileLayer
    | LegacyManagedMdmLayer
)


@frozen(kw_only=True)
class ConfigLayer:
    """One layer of the configuration, as it stands alone."""

    name: ConfigLayerSource
    version: str
    config: Json
    disabled_reason: str | None = null()


@frozen(kw_only=True)
class ConfigLayerMetadata:
    """Which layer a value comes from."""

    name: ConfigLayerSource
    version: str


@frozen(kw_only=True)
class ConfigReadResponse:
    """Answers `config/read`."""

    config: JsonObject
    origins: dict[str, ConfigLayerMetadata]
    layers: tuple[ConfigLayer, ...] | None = None


MergeStrategy: TypeAlias = Literal["replace", "upsert"]


@frozen(kw_only=True)
class ConfigValueWriteParams:
    """Asks `config/value/write`."""

    key_path: str
    value: Json
    merge_strategy: MergeStrategy
    file_path: str | None = None
    expected_version: str | None = None


@frozen(kw_only=True)
class OverriddenMetadata:
    """A value that was written but does not win."""

    message: str
    overriding_layer: ConfigLayerMetadata
    effective_value: Json


WriteStatus: TypeAlias = Literal["ok", "okOverridden"]


@frozen(kw_only=True)
class ConfigWriteResponse:
    """Answers `config/value/write` and Answers `config/batchWrite`."""

    status: WriteStatus
    version: str
    file_path: str
    overridden_metadata: OverriddenMetadata | None = null()


@frozen(kw_only=True)
class ConfigEdit:
    """One value to write."""

    key_path: str
    value: Json
    merge_strategy: MergeStrategy


@frozen(kw_only=True)
class ConfigBatchWriteParams:
    """Asks `config/batchWrite`: write several values, or none."""

    edits: tuple[ConfigEdit, ...]
    file_path: str | None = None
    expected_version: str | None = None
    reload_user_config: bool = False


@frozen(kw_only=True)
class ConfigRequirementsReadResponse:
    """Answers `configRequirements/read`."""

    supports_independent_speed_modes: bool | None = null()
    requirements: JsonObject | None = null()


@frozen(kw_only=True)
class ExperimentalFeatureListParams:
    """Asks `experimentalFeature/list`."""

    cursor: str | None = None
    limit: Unsigned | None = None
    thread_id: str | None = None


ExperimentalFeatureStage: TypeAlias = Literal["beta", "underDevelopment", "stable", "deprecated", "removed"]


@frozen(kw_only=True)
class ExperimentalFeature:
    """A feature that can be switched."""

    name: str
    stage: ExperimentalFeatureStage
    display_name: str | None = null()
    description: str | None = null()
    announcement: str | None = null()
    enabled: bool
    default_enabled: bool


@frozen(kw_only=True)
class ExperimentalFeatureListResponse:
    """Answers `experimentalFeature/list`."""

    data: tuple[ExperimentalFeature, ...]
    next_cursor: str | None = null()
