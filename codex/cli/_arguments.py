"""Reads a command line the way Codex's own parser does, without importing anything.

    --name VALUE   --name=VALUE   -n VALUE   -nVALUE   -n=VALUE   -abc (flags)   -- (only positionals follow)

An option may stand once; options marked `many` gather their values in order. A value may not look like an option
unless it is glued on with `=`, and a path or a profile may not be empty.

`typing`, `re` and `argparse` stay out: they cost more than the parsing.
"""

from codex.base.errors import UserError


class UsageError(UserError):
    """The command line cannot be understood; exit code 2."""

    def __init__(self, message: str, command: str = "codex") -> None:
        super().__init__(message)
        self.message, self.command = message, command


_NEVER_EMPTY = ("DIR", "FILE", "PROFILE")


class Option:
    """One option: `names` without dashes, the first one is its key; a `refusal` is why it is not offered."""

    __slots__ = ("choices", "help", "hidden", "many", "metavar", "names", "refusal", "short")

    def __init__(
        self,
        names: str,
        help: str = "",
        *,
        short: str = "",
        metavar: str = "",
        many: bool = False,
        choices: tuple[str, ...] = (),
        refusal: str = "",
        hidden: bool = False,
    ) -> None:
        self.names = tuple(names.split())
        self.help, self.short, self.metavar, self.many = help, short, metavar, many
        self.choices, self.refusal, self.hidden = choices, refusal, hidden

    @property
    def key(self) -> str:
        """The name its values are found under."""
        return self.names[0]

    def shown(self) -> str:
        """The option as an error message writes it."""
        return f"--{self.key} <{self.metavar}>" if self.metavar else f"--{self.key}"


class Parsed:
    """What was on a command line: values by option key, and the positionals; `rest` is what was not looked at."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.values: dict[str, list[str]] = {}
        self.positionals: list[str] = []
        self.rest: list[str] = []

    def has(self, key: str) -> bool:
        """Whether the option was given."""
        return key in self.values

    def one(self, key: str) -> str | None:
        """The last value of the option, if it was given."""
        values = self.values.get(key)
        return values[-1] if values else None

    def all(self, key: str) -> list[str]:
        """Every value of the option, in order."""
        return self.values.get(key, [])


class Parser:
    """A set of options under a command's name."""

    def __init__(self, command: str, options: list[Option]) -> None:
        self.command, self.options = command, options
        self._long = {name: option for option in options for name in option.names}
        self._short = {option.short: option for option in options if option.short}

    def parse(self, arguments: list[str], *, stop_at_positional: bool = False) -> Parsed:
        """Read the arguments; with `stop_at_positional` the first positional and all behind it go to `rest`.

        Raises:
          UsageError: an unknown, refused, repeated or incomplete option.
        """
        parsed = Parsed(self.command)
        todo = list(reversed(arguments))
        while todo:
            word = todo.pop()
            if word == "--":
                parsed.positionals += reversed(todo)
                break
            if word.startswith("--"):
                self._read_long(word[2:], todo, parsed)
            elif word.startswith("-") and len(word) > 1:
                self._read_short(word[1:], todo, parsed)
            elif stop_at_positional:
                parsed.rest = [word, *reversed(todo)]
                break
            else:
                parsed.positionals.append(word)
        return parsed

    def fail(self, message: str) -> UsageError:
        """An error about this command's line."""
        return UsageError(message, self.command)

    def _read_long(self, word: str, todo: list[str], parsed: Parsed) -> None:
        name, glued, value = word.partition("=")
        option = self._long.get(name)
        if option is None:
            raise self._unknown(f"--{name}", [f"--{known}" for known in self._long])
        if option.metavar:
            self._store(option, value if glued else self._next_value(option, todo), parsed)
        elif glued:
            raise self.fail(f"unexpected value {value!r} for '--{name}': it takes none")
        else:
            self._store(option, "", parsed)

    def _read_short(self, letters: str, todo: list[str], parsed: Parsed) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            option = self._short.get(letter)
            if option is None:
                raise self._unknown(f"-{letter}", [])
            if option.metavar:
                value = letters.removeprefix("=") if letters else self._next_value(option, todo)
                self._store(option, value, parsed)
                return
            self._store(option, "", parsed)

    def _next_value(self, option: Option, todo: list[str]) -> str:
        if not todo or (todo[-1].startswith("-") and todo[-1] != "-"):
            found = f"; found {todo[-1]!r} (write --{option.key}={todo[-1]} if that is the value)" if todo else ""
            raise self.fail(f"a value is required for '{option.shown()}' but none was supplied{found}")
        return todo.pop()

    def _store(self, option: Option, value: str, parsed: Parsed) -> None:
        if option.refusal:
            raise self.fail(f"'--{option.key}' is not offered by this version: {option.refusal}")
        if not value and option.metavar in _NEVER_EMPTY:
            raise self.fail(f"a value is required for '{option.shown()}' but none was supplied")
        if option.choices and value not in option.choices:
            from codex.base.suggest import did_you_mean

            raise self.fail(
                f"invalid value {value!r} for '{option.shown()}'{did_you_mean(value, option.choices)}"
                f" [possible values: {', '.join(option.choices)}]"
            )
        values = parsed.values.setdefault(option.key, [])
        if values and not option.many:
            raise self.fail(f"the argument '{option.shown()}' cannot be used multiple times")
        values.append(value)

    def _unknown(self, shown: str, known: list[str]) -> UsageError:
        from codex.base.suggest import did_you_mean

        hint = did_you_mean(shown, known) or "; behind '--' it would be taken as text"
        return self.fail(f"unexpected argument {shown!r} found{hint}")
