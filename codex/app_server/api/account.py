"""Who pays: the account, its login, its limits."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.wire import null
from codex.base.frozen import frozen
from codex.base.jsontext import Json


@frozen(kw_only=True)
class GetAccountParams:
    """Asks `account/read`."""

    refresh_token: bool = False


@frozen(kw_only=True)
class AmazonBedrockAccount:
    """Requests are signed for Bedrock."""

    type: ClassVar[Literal["amazonBedrock"]] = "amazonBedrock"
    uses_codex_managed_credentials: bool = False


@frozen(kw_only=True)
class ApiKeyAccount:
    """Requests carry an API key."""

    type: ClassVar[Literal["apiKey"]] = "apiKey"


PlanType: TypeAlias = Literal[
    "free",
    "go",
    "plus",
    "pro",
    "prolite",
    "promax",
    "team",
    "self_serve_business_prolite",
    "self_serve_business_usage_based",
    "business",
    "ent26",
    "enterprise_cbp_automation",
    "enterprise_cbp_usage_based",
    "enterprise",
    "edu",
    "edu_plus",
    "edu_pro",
    "sci",
    "sci_plus",
    "unknown",
]


@frozen(kw_only=True)
class ChatgptAccount:
    """Requests go to a ChatGPT account."""

    type: ClassVar[Literal["chatgpt"]] = "chatgpt"
    email: str | None = null()
    plan_type: PlanType
    workspace_name: str | None = null()


@frozen(kw_only=True)
class GcpAccount:
    """Requests go to Google's cloud."""

    type: ClassVar[Literal["gcp"]] = "gcp"


Account: TypeAlias = ApiKeyAccount | ChatgptAccount | AmazonBedrockAccount | GcpAccount

AccountRoutingOverride: TypeAlias = Literal["NO_CONSTRAINT", "us", "us_cr"]


@frozen(kw_only=True)
class WorkspaceRouting:
    """Which workspace's service is spoken to."""

    chatgpt_account_id: str
    backend_origin: str
    account_routing_override: AccountRoutingOverride


@frozen(kw_only=True)
class GetAccountResponse:
    """Answers `account/read`."""

    account: Account | None = null()
    user_id: str | None = null()
    requires_openai_auth: bool
    workspace_routing: WorkspaceRouting | None = null()


@frozen(kw_only=True)
class ApiKeyLogin:
    """Log in with an API key."""

    type: ClassVar[Literal["apiKey"]] = "apiKey"
    api_key: str


@frozen(kw_only=True)
class BedrockAccessKeysLogin:
    """Log in with access keys of Bedrock."""

    type: ClassVar[Literal["amazonBedrockAccessKeys"]] = "amazonBedrockAccessKeys"
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    region: str


@frozen(kw_only=True)
class BedrockLogin:
    """Log in with what the machine knows of Bedrock."""

    type: ClassVar[Literal["amazonBedrock"]] = "amazonBedrock"
    api_key: str
    region: str


@frozen(kw_only=True)
class ChatgptAuthTokensLogin:
    """Log in with tokens that the client got elsewhere."""

    type: ClassVar[Literal["chatgptAuthTokens"]] = "chatgptAuthTokens"
    access_token: str
    chatgpt_account_id: str
    chatgpt_plan_type: str | None = None


@frozen(kw_only=True)
class ChatgptDeviceCodeLogin:
    """Log in to ChatGPT with a code, typed on another machine."""

    type: ClassVar[Literal["chatgptDeviceCode"]] = "chatgptDeviceCode"


LoginAppBrand: TypeAlias = Literal["codex", "chatgpt"]


@frozen(kw_only=True)
class ChatgptLogin:
    """Log in to ChatGPT with the browser."""

    type: ClassVar[Literal["chatgpt"]] = "chatgpt"
    codex_streamlined_login: bool = False
    use_hosted_login_success_page: bool = False
    app_brand: LoginAppBrand | None = None


LoginAccountParams: TypeAlias = (
    ApiKeyLogin | ChatgptLogin | ChatgptDeviceCodeLogin | ChatgptAuthTokensLogin | BedrockLogin | BedrockAccessKeysLogin
)


@frozen(kw_only=True)
class ApiKeyLoginDone:
    """The key is stored."""

    type: ClassVar[Literal["apiKey"]] = "apiKey"


@frozen(kw_only=True)
class BedrockLoginStarted:
    """Bedrock is in use."""

    type: ClassVar[Literal["amazonBedrock"]] = "amazonBedrock"


@frozen(kw_only=True)
class ChatgptAuthTokensLoginDone:
    """The tokens are in use."""

    type: ClassVar[Literal["chatgptAuthTokens"]] = "chatgptAuthTokens"


@frozen(kw_only=True)
class ChatgptDeviceCodeLoginStarted:
    """Where to type which code."""

    type: ClassVar[Literal["chatgptDeviceCode"]] = "chatgptDeviceCode"
    login_id: str
    verification_url: str
    user_code: str


@frozen(kw_only=True)
class ChatgptLoginStarted:
    """The address to open."""

    type: ClassVar[Literal["chatgpt"]] = "chatgpt"
    login_id: str
    auth_url: str


LoginAccountResponse: TypeAlias = (
    ApiKeyLoginDone
    | ChatgptLoginStarted
    | ChatgptDeviceCodeLoginStarted
    | ChatgptAuthTokensLoginDone
    | BedrockLoginStarted
)


@frozen(kw_only=True)
class CancelLoginAccountParams:
    """Asks `account/login/cancel`."""

    login_id: str


CancelLoginAccountStatus: TypeAlias = Literal["canceled", "notFound"]


@frozen(kw_only=True)
class CancelLoginAccountResponse:
    """Answers `account/login/cancel`."""

    status: CancelLoginAccountStatus


@frozen(kw_only=True)
class LogoutAccountResponse:
    """Answers `account/logout`."""


@frozen(kw_only=True)
class GetAccountRateLimitsParams:
    """Asks `account/rateLimits/read`."""

    supports_luna_reserve: bool = False
    exclude_reset_credit_details: bool = False


RateLimitResetCreditStatus: TypeAlias = Literal["available", "redeeming", "redeemed", "unknown"]

RateLimitResetType: TypeAlias = Literal["codexRateLimits", "unknown"]


@frozen(kw_only=True)
class RateLimitResetCredit:
    """One credit that resets a limit."""

    id: str
    reset_type: RateLimitResetType
    status: RateLimitResetCreditStatus
    granted_at: int
    expires_at: int | None = null()
    title: str | None = null()
    description: str | None = null()


@frozen(kw_only=True)
class RateLimitResetCreditsSummary:
    """Credits that reset limits."""

    available_count: int
    credits: tuple[RateLimitResetCredit, ...] | None = null()


@frozen(kw_only=True)
class CreditsSnapshot:
    """The credits that are left."""

    has_credits: bool
    unlimited: bool
    balance: str | None = null()


RateLimitReachedType: TypeAlias = Literal[
    "rate_limit_reached",
    "workspace_owner_credits_depleted",
    "workspace_member_credits_depleted",
    "workspace_owner_usage_limit_reached",
    "workspace_member_usage_limit_reached",
]


@frozen(kw_only=True)
class RateLimitWindow:
    """How much of a stretch of time is used up."""

    used_percent: int
    window_duration_mins: int | None = null()
    resets_at: int | None = null()


@frozen(kw_only=True)
class SpendControlLimitSnapshot:
    """A limit on spending."""

    limit: str
    used: str
    remaining_percent: int
    resets_at: int


@frozen(kw_only=True)
class RateLimitSnapshot:
    """The provider's limits, as it told them last."""

    limit_id: str | None = null()
    limit_name: str | None = null()
    normal_model_slug: str | None = null()
    primary: RateLimitWindow | None = null()
    secondary: RateLimitWindow | None = null()
    credits: CreditsSnapshot | None = null()
    individual_limit: SpendControlLimitSnapshot | None = null()
    spend_control_reached: bool | None = null()
    plan_type: PlanType | None = null()
    rate_limit_reached_type: RateLimitReachedType | None = null()


@frozen(kw_only=True)
class GetAccountRateLimitsResponse:
    """Answers `account/rateLimits/read`."""

    ordinary_usage_allowed: bool | None = null()
    rate_limits: RateLimitSnapshot
    rate_limits_by_limit_id: dict[str, RateLimitSnapshot] | None = null()
    rate_limit_reset_credits: RateLimitResetCreditsSummary | None = null()
    account_id: str | None = null()
    rate_limit_upsell: Json = null()


AuthMode: TypeAlias = Literal[
    "apikey",
    "chatgpt",
    "chatgptAuthTokens",
    "headers",
    "agentIdentity",
    "personalAccessToken",
    "bedrockApiKey",
    "bedrockAccessKeys",
]


@frozen(kw_only=True)
class AccountUpdatedNotification:
    """Tells `account/updated`."""

    auth_mode: AuthMode | None = null()
    plan_type: PlanType | None = null()


DesktopOnboardingEntrypoint: TypeAlias = Literal["life_sciences"]


@frozen(kw_only=True)
class AccountLoginCompletedNotification:
    """Tells `account/login/completed`."""

    login_id: str | None = null()
    success: bool
    error: str | None = null()
    onboarding_entrypoint: DesktopOnboardingEntrypoint | None = null()


@frozen(kw_only=True)
class AccountRateLimitsUpdatedNotification:
    """Tells `account/rateLimits/updated`."""

    rate_limits: RateLimitSnapshot
