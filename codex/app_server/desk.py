"""What a handler works with: who asks, and the server it asks."""

from collections.abc import Callable

import attrs

from codex.app_server.audience import Client, Profile
from codex.app_server.notice import Notice
from codex.app_server.server import Server


@attrs.frozen(eq=False)
class Desk:
    """One request at work. What it is answered with is what the handler returns, an instance of the API's class."""

    client: Client
    server: Server
    later: list[Callable[[], None]] = attrs.field(factory=list[Callable[[], None]])

    @property
    def profile(self) -> Profile:
        """What the client said of itself."""
        profile = self.client.profile
        assert profile is not None, "a request before initialize"
        return profile

    @property
    def is_experimental(self) -> bool:
        """Whether the client asked for what may still change."""
        return self.client.profile is not None and self.client.profile.experimental

    def introduce(self, profile: Profile) -> None:
        """Take down who the client is; from now on it may ask what it likes."""
        self.client.introduce(profile)
        self.server.greeted_by(profile.name)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this once the answer is on its way, also when it is an error."""
        self.later.append(call)

    def tell(self, method: str, params: object) -> None:
        """Notify this client now, before the answer."""
        self.client.tell(Notice(method, params, self.server.now_ms()))

    def tell_afterwards(self, method: str, params: object) -> None:
        """Notify this client once the answer is on its way."""
        self.afterwards(lambda: self.tell(method, params))
