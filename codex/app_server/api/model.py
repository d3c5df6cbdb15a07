"""Models and their providers."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.turn import CyberAccessProgram
from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class ModelListParams:
    """Asks `model/list`."""

    model_provider: str | None = None
    cursor: str | None = None
    limit: Unsigned | None = None
    include_hidden: bool | None = None


InputModality: TypeAlias = Literal["text", "image", "audio"]


@frozen(kw_only=True)
class ModelAccessPrograms:
    """Programs that give access to a model."""

    cyber: tuple[CyberAccessProgram, ...]


@frozen(kw_only=True)
class ModelAvailabilityNux:
    """A note on a new model."""

    message: str


@frozen(kw_only=True)
class ModelServiceTier:
    """A speed at which a model is served."""

    id: str
    name: str
    description: str


@frozen(kw_only=True)
class ModelUpgradeInfo:
    """The model to move to."""

    model: str
    upgrade_copy: str | None = null()
    model_link: str | None = null()
    migration_markdown: str | None = null()
    retirement_at: int | None = null()


MultiAgentVersion: TypeAlias = Literal["disabled", "v1", "v2"]


@frozen(kw_only=True)
class ReasoningEffortOption:
    """An effort that a model offers."""

    reasoning_effort: str
    description: str


@frozen(kw_only=True)
class Model:
    """A model on offer."""

    id: str
    model: str
    upgrade: str | None = null()
    upgrade_info: ModelUpgradeInfo | None = null()
    availability_nux: ModelAvailabilityNux | None = null()
    display_name: str
    description: str
    model_specialty: str | None = null()
    hidden: bool
    supported_reasoning_efforts: tuple[ReasoningEffortOption, ...]
    default_reasoning_effort: str
    input_modalities: tuple[InputModality, ...] = ()
    supports_personality: bool = False
    multi_agent_version: MultiAgentVersion | None = null()
    additional_speed_tiers: tuple[str, ...] = ()
    service_tiers: tuple[ModelServiceTier, ...] = ()
    default_service_tier: str | None = null()
    available_access_programs: ModelAccessPrograms | None = null()
    is_default: bool


@frozen(kw_only=True)
class ModelListResponse:
    """Answers `model/list`."""

    data: tuple[Model, ...]
    next_cursor: str | None = null()


@frozen(kw_only=True)
class ModelProviderListParams:
    """Asks `modelProvider/list`."""


@frozen(kw_only=True)
class BedrockProviderSettings:
    """How Bedrock is reached."""

    type: ClassVar[Literal["bedrock"]] = "bedrock"
    profile: str | None = null()
    region: str | None = null()


@frozen(kw_only=True)
class EnvironmentVariableAuth:
    """The key is in an environment variable."""

    mode: ClassVar[Literal["environmentVariable"]] = "environmentVariable"
    env_key: str


@frozen(kw_only=True)
class ExternallyConfiguredAuth:
    """The key comes from elsewhere."""

    mode: ClassVar[Literal["externallyConfigured"]] = "externallyConfigured"
    env_key: str | None = null()


@frozen(kw_only=True)
class NoAuth:
    """No key."""

    mode: ClassVar[Literal["none"]] = "none"


GatewayAuth: TypeAlias = NoAuth | EnvironmentVariableAuth | ExternallyConfiguredAuth


@frozen(kw_only=True)
class CustomGatewayProviderSettings:
    """How a gateway is reached."""

    type: ClassVar[Literal["customGateway"]] = "customGateway"
    auth: GatewayAuth


@frozen(kw_only=True)
class GcpProviderSettings:
    """How Google's cloud is reached."""

    type: ClassVar[Literal["gcp"]] = "gcp"
    project_id: str | None = null()
    location: str | None = null()
    credential_file: str | None = null()


@frozen(kw_only=True)
class OpenaiProviderSettings:
    """OpenAI's own service."""

    type: ClassVar[Literal["openai"]] = "openai"


ProviderSettings: TypeAlias = (
    OpenaiProviderSettings | CustomGatewayProviderSettings | BedrockProviderSettings | GcpProviderSettings
)


@frozen(kw_only=True)
class ModelProviderSummary:
    """A provider of models that is configured."""

    id: str
    name: str
    can_edit: bool
    base_url: str | None = null()
    settings: ProviderSettings


@frozen(kw_only=True)
class ModelProviderListResponse:
    """Answers `modelProvider/list`."""

    data: tuple[ModelProviderSummary, ...]
    default_provider_id: str
    can_change_default: bool


@frozen(kw_only=True)
class ModelProviderCapabilitiesReadParams:
    """Asks `modelProvider/capabilities/read`."""


@frozen(kw_only=True)
class ModelProviderCapabilitiesReadResponse:
    """Answers `modelProvider/capabilities/read`."""

    image_generation: bool
    web_search: bool


ModelRerouteReason: TypeAlias = Literal["highRiskCyberActivity"]


@frozen(kw_only=True)
class ModelReroutedNotification:
    """Tells `model/rerouted`."""

    thread_id: str
    turn_id: str
    from_model: str
    to_model: str
    reason: ModelRerouteReason
