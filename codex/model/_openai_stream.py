"""The stream class handed to `openai`: it keeps the response and leaves its body to us.

A module of its own because it can only be defined once `openai` is loaded.
"""

import httpx2
from openai import AsyncOpenAI, AsyncStream


class ResponseOnly(AsyncStream[object]):
    """Holds the response; iterating it is our business, not openai's."""

    def __init__(
        self, *, cast_to: type[object], response: httpx2.Response, client: AsyncOpenAI, options: object
    ) -> None:
        self.response = response
