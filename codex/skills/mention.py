"""Skills that the user names: `$name` in a prompt puts the skill's text behind it. Pure but for reading the file."""

import re
from collections.abc import Iterable, Sequence

from codex.protocol.response_item import ResponseItem, input_text, message
from codex.skills.find import Skill, read_body

INLINE_BYTES = 8_000
OPEN, CLOSE = "<skill>", "</skill>"
_MENTION = re.compile(r"(?<![\w$\\])\$([A-Za-z0-9_][\w:-]*)")


def mentioned_names(texts: Iterable[str]) -> list[str]:
    """What follows a `$` in the texts, each once, in their order; whether a skill has the name is not asked."""
    return list(dict.fromkeys(name for text in texts for name in _MENTION.findall(text)))


def mentioned_skills(texts: Iterable[str], skills: Sequence[Skill]) -> list[Skill]:
    """The skills named in the texts; of several with one name the nearest to the working directory."""
    by_name = {skill.name: skill for skill in reversed(skills)}
    return [by_name[name] for name in mentioned_names(texts) if name in by_name]


def skill_item(skill: Skill) -> ResponseItem:
    """The skill's text as a message; a long one is cut, and says where the rest is. A lost file is told, too."""
    try:
        data = read_body(skill).encode()
    except OSError as error:
        body = f"The file cannot be read: {error.strerror or error}."
    else:
        body = data[:INLINE_BYTES].decode("utf-8", "ignore")
        if len(data) > INLINE_BYTES:
            body += f"\n[the first {INLINE_BYTES} of {len(data)} bytes; read the rest in the file]"
    return message(
        "user", [input_text(f"{OPEN}\n<name>{skill.name}</name>\n<path>{skill.path}</path>\n{body}\n{CLOSE}")]
    )
