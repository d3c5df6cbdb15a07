"""`account/*`: who pays. API keys are kept; logins with a browser are not offered."""

import time
from functools import partial

import trio

from codex.app_server.api.account import (
    AccountLoginCompletedNotification,
    AccountUpdatedNotification,
    ApiKeyAccount,
    ApiKeyLogin,
    ApiKeyLoginDone,
    CancelLoginAccountParams,
    CancelLoginAccountResponse,
    ChatgptAccount,
    GetAccountParams,
    GetAccountRateLimitsParams,
    GetAccountRateLimitsResponse,
    GetAccountResponse,
    LoginAccountParams,
    LoginAccountResponse,
    LogoutAccountResponse,
)
from codex.app_server.desk import Desk
from codex.app_server.rpc import RpcError
from codex.app_server.uuids import canonical
from codex.model.auth import load_credentials, login_with_api_key, logout
from codex.model.provider import provider_of


async def read(desk: Desk, _params: GetAccountParams) -> GetAccountResponse:
    """Who the next request would ask as. Cancelled, nothing happened."""
    server, config = desk.server, desk.server.codex.config
    who = await trio.to_thread.run_sync(partial(load_credentials, config.codex_home, server.environ, now=time.time()))
    account = None
    if who.bearer is not None:
        account = ChatgptAccount(email=None, plan_type="unknown") if who.is_chatgpt else ApiKeyAccount()
    needed = provider_of(config, server.environ).requires_openai_auth
    return GetAccountResponse(account=account if needed else None, requires_openai_auth=needed)


async def log_in(desk: Desk, params: LoginAccountParams) -> LoginAccountResponse:
    """Keep an API key. Cancelled, it may be kept."""
    if not isinstance(params, ApiKeyLogin):
        raise RpcError(f"account/login/start: {params.type!r} is not supported by this server; log in with an API key")
    home = desk.server.codex.config.codex_home
    await trio.to_thread.run_sync(login_with_api_key, home, params.api_key)
    desk.tell_afterwards("account/login/completed", AccountLoginCompletedNotification(success=True))
    desk.afterwards(lambda: desk.server.broadcast("account/updated", AccountUpdatedNotification(auth_mode="apikey")))
    return ApiKeyLoginDone()


async def cancel_login(_desk: Desk, params: CancelLoginAccountParams) -> CancelLoginAccountResponse:
    """No login takes long here, so there is none to cancel. Does not wait."""
    if canonical(params.login_id) is None:
        raise RpcError(f"invalid login id: {params.login_id[:80]}")
    return CancelLoginAccountResponse(status="notFound")


async def log_out(desk: Desk, _params: None) -> LogoutAccountResponse:
    """Forget the login that is kept; keys in the environment stay. Cancelled, it may be forgotten."""
    await trio.to_thread.run_sync(logout, desk.server.codex.config.codex_home)
    desk.afterwards(lambda: desk.server.broadcast("account/updated", AccountUpdatedNotification()))
    return LogoutAccountResponse()


async def read_limits(_desk: Desk, _params: GetAccountRateLimitsParams) -> GetAccountRateLimitsResponse:
    """Only ChatGPT's accounts have limits that can be asked for. Does not wait."""
    raise RpcError("chatgpt authentication required to read rate limits")


HANDLERS = {
    "account/read": read,
    "account/login/start": log_in,
    "account/login/cancel": cancel_login,
    "account/logout": log_out,
    "account/rateLimits/read": read_limits,
}
