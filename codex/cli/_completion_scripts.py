"""The scripts that complete `codex` in five shells.

All walk over the words before the cursor and remember which command they have reached; then they offer the values of
the option before the cursor, the command's options behind a dash, or else its words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex.cli._completion_words import Command, Value, Word

_PROGRAMS = ("codex", "codex-actors")


def bash(commands: Sequence["Command"]) -> str:
    """For bash from 3.2 on."""
    lines = [
        "_codex() {",
        "    local IFS=$' \\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at=codex flags= words= i",
        "    # bash splits --option=value into three words",
        "    if [[ $cur == = ]]; then cur=",
        "    elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        '        case "$at ${COMP_WORDS[i]}" in',
        *(
            f"            {' | '.join(map(_double, spelled))}) at={_double(place)} ;;"
            for spelled, place in _steps(commands)
        ),
        "        esac",
        "    done",
        '    case "$at" in',
    ]
    for command in commands:
        lines.append(f"        {_double(command.place)})")
        lines += _bash_values(command.values)
        lines.append(f"            flags={_double(_texts(command.flags))} words={_double(_texts(command.words))} ;;")
    lines += [
        "    esac",
        "    [[ $cur == -* ]] && words=$flags",
        '    COMPREPLY=($(compgen -W "$words" -- "$cur"))',
        "}",
        f"complete -o bashdefault -o default -F _codex {' '.join(_PROGRAMS)}",
    ]
    return "\n".join(lines) + "\n"


def _bash_values(values: Sequence["Value"]) -> list[str]:
    lines = ['            case "$prev" in']
    for value in values:
        how = {"directory": "-d", "file": "-f"}.get(value.kind, f"-W {_double(' '.join(value.words))}")
        split = "IFS=$'\\n'; " if value.kind != "text" else ""
        answer = f'{split}COMPREPLY=($(compgen {how} -- "$cur")); return' if value.words or split else "return"
        lines.append(f"                {' | '.join(value.spellings)}) {answer} ;;")
    return [*lines, "            esac"] if values else []


def zsh(commands: Sequence["Command"]) -> str:
    """For zsh: to be sourced, or put into a file `_codex` on $fpath."""
    lines = [
        f"#compdef {' '.join(_PROGRAMS)}",
        "_codex() {",
        "    local at=codex",
        "    local -i i",
        "    local -a found",
        "    for ((i = 2; i < CURRENT; i++)); do",
        '        case "$at $words[i]" in',
        *(
            f"            ({' | '.join(map(_single, spelled))}) at={_single(place)} ;;"
            for spelled, place in _steps(commands)
        ),
        "        esac",
        "    done",
        "    case $at in",
    ]
    for command in commands:
        lines += [f"        ({_single(command.place)})", '            case "$words[CURRENT-1]" in']
        for value in command.values:
            how = {"directory": "_files -/", "file": "_files"}.get(value.kind, "")
            how = how or (f"compadd -- {' '.join(value.words)}" if value.words else "")
            lines.append(f"                ({' | '.join(value.spellings)}) {how}{'; ' if how else ''}return ;;")
        lines += [
            "            esac",
            "            if [[ $PREFIX == -* ]]; then",
            f"                found=({_zsh_words(command.flags)})",
            "            else",
            f"                found=({_zsh_words(command.words)})",
            "            fi ;;",
        ]
    lines += ["    esac", "    if (( $#found )); then _describe codex found; else _files; fi", "}"]
    lines += [f"(( $+functions[compdef] )) && compdef _codex {' '.join(_PROGRAMS)}"]
    return "\n".join(lines) + "\n"


def _zsh_words(words: Sequence["Word"]) -> str:
    return " ".join(_single(":".join(part.replace(":", "\\:") for part in (word.text, word.about))) for word in words)


def fish(commands: Sequence["Command"]) -> str:
    """For fish."""
    lines = [
        "function __codex_at",
        "    set -l at codex",
        "    for word in (commandline -opc)[2..]",
        '        switch "$at $word"',
    ]
    for spelled, place in _steps(commands):
        lines += [f"            case {' '.join(map(_fish, spelled))}", f"                set at {_fish(place)}"]
    lines += ["        end", "    end", '    test "$at" = "$argv[1]"', "end"]
    for program in _PROGRAMS:
        lines.append(f"complete -c {program} -f")
        for command in commands:
            start = f"complete -c {program} -n {_fish(f'__codex_at {_fish(command.place)}')}"
            lines += [f"{start} -a {_fish(word.text)} -d {_fish(word.about)}" for word in command.words]
            taking = {text for value in command.values for text in value.spellings}
            lines += [
                f"{start} {_fish_option(word.text)} -d {_fish(word.about)}"
                for word in command.flags
                if word.text not in taking
            ]
            for value in command.values:
                how = "-r -F" if value.kind != "text" else f"-x -a {_fish(' '.join(value.words))}"
                spelled = " ".join(map(_fish_option, value.spellings))
                lines.append(f"{start} {spelled} {how} -d {_fish(value.about)}")
    return "\n".join(lines) + "\n"


def _fish_option(text: str) -> str:
    return f"-l {text[2:]}" if text.startswith("--") else f"-s {text[1:]}"


def powershell(commands: Sequence["Command"]) -> str:
    """For PowerShell."""
    lines = [
        f"Register-ArgumentCompleter -Native -CommandName {', '.join(map(_doubled, _PROGRAMS))} -ScriptBlock {{",
        "    param($wordToComplete, $commandAst, $cursorPosition)",
        "    $steps = [System.Collections.Hashtable]::new([System.StringComparer]::Ordinal)",
        "    $known = [System.Collections.Hashtable]::new([System.StringComparer]::Ordinal)",
    ]
    for spelled, place in _steps(commands):
        lines += [f"    $steps[{_doubled(text)}] = {_doubled(place)}" for text in spelled]
    for command in commands:
        pairs = [(word.text, word.about) for word in (*command.words, *command.flags)]
        lines.append(f"    $known[{_doubled(command.place)}] = {_pairs(pairs)}")
        for value in command.values:
            for text in value.spellings if value.words else ():
                pairs = [(word, value.about) for word in value.words]
                lines.append(f"    $known[{_doubled(f'{command.place} {text}')}] = {_pairs(pairs)}")
    lines += [
        "    $at = 'codex'",
        "    $previous = ''",
        "    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {",
        "        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete) { break }",
        "        $text = $element.ToString()",
        '        if ($steps.ContainsKey("$at $text")) { $at = $steps["$at $text"] }',
        "        $previous = $text",
        "    }",
        '    $place = if ($known.ContainsKey("$at $previous")) { "$at $previous" } else { $at }',
        '    $known[$place] | Where-Object { $_[0] -clike "$wordToComplete*" } | ForEach-Object {',
        "        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])",
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return f"@({', '.join(f',@({_doubled(text)}, {_doubled(about or text)})' for text, about in pairs)})"


def elvish(commands: Sequence["Command"]) -> str:
    """For Elvish."""
    lines = ["set edit:completion:arg-completer[codex] = {|@words|", "    var at = codex", "    var previous = ''"]
    lines.append("    var steps = [&]")
    for spelled, place in _steps(commands):
        lines += [f"    set steps[{_doubled(text)}] = {_doubled(place)}" for text in spelled]
    lines.append("    var known = [&]")
    for command in commands:
        texts = [word.text for word in (*command.words, *command.flags)]
        lines.append(f"    set known[{_doubled(command.place)}] = [{' '.join(map(_doubled, texts))}]")
        for value in command.values:
            for text in value.spellings if value.words else ():
                place = _doubled(f"{command.place} {text}")
                lines.append(f"    set known[{place}] = [{' '.join(map(_doubled, value.words))}]")
    lines += [
        "    for word $words[1..-1] {",
        "        var next = $at' '$word",
        "        if (has-key $steps $next) { set at = $steps[$next] }",
        "        set previous = $word",
        "    }",
        "    var place = $at' '$previous",
        "    if (has-key $known $place) { all $known[$place] } else { all $known[$at] }",
        "}",
        "set edit:completion:arg-completer[codex-actors] = $edit:completion:arg-completer[codex]",
    ]
    return "\n".join(lines) + "\n"


SCRIPTS: Mapping[str, Callable[[Sequence["Command"]], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
    "powershell": powershell,
    "elvish": elvish,
}


def _steps(commands: Sequence["Command"]) -> list[tuple[list[str], str]]:
    """Which words lead from a place to the next: the texts to compare with, and the place reached."""
    return [
        ([f"{' '.join(command.path[:-1])} {name}" for name in command.names], command.place)
        for command in commands
        if command.names
    ]


def _texts(words: Sequence["Word"]) -> str:
    return " ".join(word.text for word in words)


def _double(text: str) -> str:
    """In double quotes; the texts are words of ours, without a character that a shell reads."""
    assert not set(text) & set('"$`\\'), text
    return f'"{text}"'


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _doubled(text: str) -> str:
    """In single quotes, with those inside doubled: PowerShell and Elvish."""
    return "'" + text.replace("'", "''") + "'"
