"""The law of one worker's life, against what may happen to it."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codex.placement._machine import WorkerLife

START, STOP, SILENCE = 30.0, 4.0, 8.0


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.life = WorkerLife(self.now, start_within=START, stop_within=STOP, silence=SILENCE)
        self.began, self.heard_at = self.now, self.now
        self.started = self.killed = False
        self.asked_at: float | None = None
        self.farewell: str | None = None
        self.next_at = self.life.next_tick(self.now)

    @rule(seconds=st.floats(0, 12))
    def time_passes_while_we_look_in_time(self, seconds: float) -> None:
        until = self.now + seconds
        while self.next_at <= until and not self.killed:
            self.now = self.next_at
            self.killed = self.life.tick(self.now) == "kill"
            self.next_at = self.life.next_tick(self.now)
        self.now = until

    @precondition(lambda self: not self.killed and self.asked_at is None)
    @rule(seconds=st.floats(10, 500))
    def we_do_not_run_for_a_while_and_kill_nobody_for_that(self, seconds: float) -> None:
        due = self.next_at >= (self.heard_at + SILENCE if self.started else self.began + START)
        self.now = self.next_at + seconds
        self.killed = self.life.tick(self.now) == "kill"
        assert self.killed == due
        self.began += seconds
        self.heard_at += seconds
        self.next_at = self.life.next_tick(self.now)

    @rule()
    def it_says_something(self) -> None:
        self.heard_at = self.now
        self.life.heard(self.now)

    @rule()
    def its_thread_is_there(self) -> None:
        self.it_says_something()
        self.started = self.started or self.life.state == "starting"
        self.life.started()

    @rule()
    def it_is_asked_to_stop(self) -> None:
        if self.life.state in ("starting", "serving"):
            self.asked_at = self.now
        self.life.asked_to_stop(self.now)

    @rule(failure=st.sampled_from([None, "no such model"]))
    def it_says_farewell(self, failure: str | None) -> None:
        self.farewell = self.farewell or failure or ""
        self.life.farewell(failure)

    @rule()
    def what_it_says_is_nonsense(self) -> None:
        self.killed = True
        self.life.broken("nonsense")

    @rule(how=st.sampled_from(["", "ended by SIGKILL"]))
    def it_is_gone(self, how: str) -> None:
        loss = self.life.gone(how)
        if self.asked_at is not None:
            assert loss is None
        elif self.killed or how or self.farewell:
            assert loss
        else:
            assert (loss is None) == (self.farewell == "")
        assert self.life.tick(self.now) == "nothing"
        self.__init__()

    @invariant()
    def whoever_is_not_killed_is_within_its_time(self) -> None:
        if self.killed:
            return
        if self.asked_at is not None:
            assert self.now <= self.asked_at + STOP + SILENCE / 4
        elif self.started:
            assert self.now <= self.heard_at + SILENCE * 5 / 4
        else:
            assert self.now <= self.began + START + SILENCE / 4


Lives.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestLives = Lives.TestCase


def test_a_silent_worker_is_asked_before_it_is_killed() -> None:
    life = WorkerLife(0.0, start_within=START, stop_within=STOP, silence=SILENCE)
    life.started()
    steps: list[str] = []
    now = 0.0
    while not steps or steps[-1] != "kill":
        now = life.next_tick(now)
        steps.append(life.tick(now))
    assert (steps, now) == (["ping", "ping", "ping", "kill"], SILENCE)
    assert life.gone("ended by SIGKILL") == "it gave no sign of life for 8 s and was killed"
