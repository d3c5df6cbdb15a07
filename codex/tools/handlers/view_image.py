"""`view_image`: an image file becomes a part of the conversation."""

import os

import trio

from codex.base.errors import ToolFailure
from codex.context import image_data_url
from codex.protocol.event import ItemCompleted
from codex.protocol.item import ImageView
from codex.protocol.response_item import input_image
from codex.tools.arguments import Arguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite


async def run(call: ToolCall, site: CallSite) -> OutputBody:
    """Read, show, hand over."""
    context = site.context
    path = os.path.normpath(os.path.join(context.config.cwd, Arguments(call.payload, ("path",)).required_text("path")))
    if context.image_detail is None:
        raise ToolFailure("view_image is not allowed because the model does not take images")
    try:
        if not context.processes.is_readable(context.config, context.environ, path):
            raise ToolFailure(f"unable to read image at `{path}`: the permission profile denies it")
        url = await trio.to_thread.run_sync(image_data_url, path)
    except IsADirectoryError as error:
        raise ToolFailure(f"image path `{path}` is not a file") from error
    except OSError as error:
        raise ToolFailure(f"unable to locate image at `{path}`: {error.strerror or error}") from error
    except ValueError as error:
        raise ToolFailure(f"unable to process image at `{path}`: {error}") from error
    await context.publisher.publish([ItemCompleted(context.turn_id, ImageView(call.call_id, path))])
    return [input_image(url, context.image_detail)]
