"""What rules say about commands: whole evaluations, and the law that the strictest decision wins."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.execpolicy import (
    NO_RULES,
    Decision,
    Evaluation,
    NetworkMatch,
    NetworkRule,
    PrefixMatch,
    PrefixRule,
    Rules,
    Segment,
    parse_rules,
)

GIT = parse_rules(
    [
        (
            "git.rules",
            """
prefix_rule(pattern=["git", ["status", "log"]])
prefix_rule(pattern=["git", "push"], decision="prompt", justification="it is seen by others")
prefix_rule(pattern=["git", "push", "--force"], decision="forbidden", justification="history is kept")
prefix_rule(pattern=["ls"])
""",
        )
    ]
)


def allowed(*words: str, **fields: object) -> PrefixMatch:
    return PrefixMatch(words, "allow", **fields)  # pyright: ignore[reportArgumentType]


def test_a_command_is_matched_by_its_first_words() -> None:
    argv = ("git", "log", "--oneline")
    assert GIT.evaluate(argv) == Evaluation(
        (Segment(argv, (allowed("git", "log"),), "allow"),), decision="allow", all_allowed=True
    )


def test_a_command_shorter_than_the_pattern_is_not_matched() -> None:
    assert GIT.evaluate(["git"]) == Evaluation((Segment(("git",)),))


def test_the_strictest_rule_wins_with_its_justification() -> None:
    argv = ("git", "push", "--force")
    prompt = PrefixMatch(("git", "push"), "prompt", justification="it is seen by others")
    forbidden = PrefixMatch(argv, "forbidden", justification="history is kept")
    assert GIT.evaluate(argv) == Evaluation(
        (Segment(argv, (prompt, forbidden), "forbidden"),), decision="forbidden", justification="history is kept"
    )


def test_every_command_of_a_script_is_judged() -> None:
    push = PrefixMatch(("git", "push"), "prompt", justification="it is seen by others")
    assert GIT.evaluate(["/bin/bash", "-lc", "git status && git 'push' | make"]) == Evaluation(
        (
            Segment(("git", "status"), (allowed("git", "status"),), "allow"),
            Segment(("git", "push"), (push,), "prompt"),
            Segment(("make",)),
        ),
        decision="prompt",
        justification="it is seen by others",
    )


def test_a_script_is_allowed_when_all_its_commands_are() -> None:
    assert GIT.evaluate(["zsh", "-c", "git status; ls -l"]).all_allowed
    assert not GIT.evaluate(["zsh", "-c", "git status; ls -l; pwd"]).all_allowed


def test_a_script_that_may_do_more_is_one_command() -> None:
    argv = ("bash", "-lc", "git status > x")
    assert GIT.evaluate(argv) == Evaluation((Segment(argv),))


def test_a_command_without_words_matches_nothing() -> None:
    assert GIT.evaluate([]) == Evaluation((Segment(()),))


def test_what_no_rule_allows_may_be_dangerous() -> None:
    rules = parse_rules([("r", 'prefix_rule(["rm", "-rf", "build"])')])
    assert not rules.evaluate(["rm", "-rf", "build"]).dangerous
    assert rules.evaluate(["rm", "-rf", "/"]).dangerous
    assert rules.evaluate(["bash", "-c", "rm -rf build; rm -rf /"]).dangerous
    assert rules.evaluate(["bash", "-c", "for i in *; do rm -f $i; done"]).dangerous


def test_a_path_stands_for_its_name_only_where_no_rule_is_about_the_path() -> None:
    rules = parse_rules([("r", 'prefix_rule(["git"])\nprefix_rule(["/usr/bin/git", "push"], "prompt")')])
    assert rules.matches(["/usr/bin/git", "push"]) == (PrefixMatch(("/usr/bin/git", "push"), "prompt"),)
    assert rules.matches(["/usr/bin/git", "log"]) == (allowed("git", program="/usr/bin/git", vouched=False),)
    assert rules.matches(["/usr/bin/git", "log"], resolve_host_executables=False) == ()


def test_a_path_nobody_vouches_for_does_not_leave_the_sandbox() -> None:
    rules = parse_rules([("r", 'prefix_rule(["git"])')])
    found = rules.evaluate(["/tmp/git", "status"])
    assert (found.decision, found.all_allowed) == ("allow", False)


def test_host_executable_says_which_paths_stand_for_a_name() -> None:
    rules = parse_rules([("r", 'prefix_rule(["git"])\nhost_executable("git", ["/usr/bin/git", "/opt/../git"])')])
    assert rules.evaluate(["/usr//bin/./git", "x"]).all_allowed
    assert rules.evaluate(["/git", "x"]).all_allowed
    assert rules.evaluate(["/tmp/git", "x"]) == Evaluation((Segment(("/tmp/git", "x")),))


def test_a_relative_program_stands_for_its_name_only_where_it_is_known_where_it_is() -> None:
    rules = parse_rules([("r", 'prefix_rule(["git"])')])
    assert rules.matches(["./git"]) == ()
    assert rules.matches(["./git"], cwd="/here") == (allowed("git", program="/here/git", vouched=False),)


def test_case_is_ignored_where_a_rule_says_so() -> None:
    rules = parse_rules([("r", 'prefix_rule(["Git", ["Push"]], canonical_matching=True)\nprefix_rule(["ls"])')])
    assert rules.matches(["gIT", "PUSH"]) == (allowed("gIT", "PUSH"),)
    assert rules.matches(["LS"]) == ()


@pytest.mark.parametrize("protocol", ["https", "https_connect", "http-connect"])
@pytest.mark.parametrize("host", ["api.example.com", "API.example.com.", "api.example.com:443", " api.example.com "])
def test_the_strictest_network_rule_about_a_host_counts(host: str, protocol: str) -> None:
    text = (
        'network_rule("api.example.com", "https", "deny", "no")\nnetwork_rule("Api.example.com:80", "https", "allow")'
    )
    rules = parse_rules([("r", text)])
    assert rules.network(host, protocol) == NetworkMatch("forbidden", "no")


def test_other_hosts_and_protocols_have_no_network_rule() -> None:
    rules = parse_rules([("r", 'network_rule("[::1]:80", "http", "allow")')])
    assert rules.network_rules == (NetworkRule("::1", "http", "allow"),)
    assert rules.network("::1", "http") == NetworkMatch("allow")
    assert rules.network("::2", "http") is None
    assert rules.network("::1", "https") is None
    assert rules.network("http://::1", "http") is None
    assert NO_RULES.network("::1", "http") is None


def test_a_prefix_that_is_added_is_allowed() -> None:
    assert GIT.with_prefix(["make", "test"]).evaluate(["make", "test", "-j2"]).all_allowed
    assert not GIT.evaluate(["make", "test", "-j2"]).all_allowed


def test_rules_laid_over_others_make_them_stricter() -> None:
    over = parse_rules([("r", 'prefix_rule(["ls"], "forbidden")\nhost_executable("ls", ["/bin/ls"])')])
    both = GIT.overlaid_with(over)
    assert both.evaluate(["ls"]).decision == "forbidden"
    assert both.evaluate(["/tmp/ls"]).decision is None
    assert both.evaluate(["git", "log"]).all_allowed


def test_allowed_prefixes_are_shown_shortest_first() -> None:
    assert GIT.allowed_prefixes() == ('["ls"]', '["git", ["status", "log"]]')


def test_allowed_prefixes_stay_within_their_bounds() -> None:
    many = Rules(PrefixRule(((f"tool{number:03}",),)) for number in range(300))
    assert len(many.allowed_prefixes()) == 100
    assert many.allowed_prefixes(max_bytes=26) == ('["tool000"]', '["tool001"]')
    assert many.allowed_prefixes(max_bytes=5) == ()


words = st.sampled_from(["git", "ls", "push", "-f", "é", ""])
decisions = st.sampled_from(["allow", "prompt", "forbidden"])
alternatives = st.lists(words, min_size=1, max_size=3).map(tuple)
prefix_rules = st.builds(PrefixRule, st.lists(alternatives, min_size=1, max_size=3).map(tuple), decisions)


@given(st.lists(prefix_rules, max_size=8), st.lists(words, min_size=1, max_size=4))
def test_the_index_finds_what_a_walk_through_all_rules_finds(rules: list[PrefixRule], argv: list[str]) -> None:
    order: list[Decision] = ["allow", "prompt", "forbidden"]
    fitting = [
        rule.decision
        for rule in rules
        if len(argv) >= len(rule.pattern)
        and all(word in allowed for word, allowed in zip(argv, rule.pattern, strict=False))
    ]
    found = Rules(rules).evaluate(argv)
    assert found.decision == max(fitting, key=order.index, default=None)
    assert found.all_allowed == (found.decision == "allow")
    assert set(fitting) == {match.decision for match in found.matches}
