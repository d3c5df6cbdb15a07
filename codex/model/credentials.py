"""What we may show an OpenAI server as proof of who asks: an API key, or the tokens of a ChatGPT login. Data only."""

import attrs


@attrs.frozen
class Credentials:
    """A bearer token and where it came from; `bearer` None: nobody is logged in.

    `hint`: what to check when the server refuses it. `account_id` belongs to ChatGPT tokens.
    """

    bearer: str | None = attrs.field(default=None, repr=False)
    source: str = "none"
    hint: str = ""
    is_chatgpt: bool = False
    account_id: str | None = None
