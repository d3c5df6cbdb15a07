"""Who makes room."""

from hypothesis import given
from hypothesis import strategies as st

from codex.processes._prune import Candidate, choose_victim

candidates = st.lists(
    st.builds(Candidate, st.integers(1000, 99_999), st.integers(0, 1000), st.booleans(), st.booleans()),
    max_size=20,
    unique_by=(lambda candidate: candidate.session_id, lambda candidate: candidate.used),
)


@given(candidates, st.integers(1, 20))
def test_the_right_one_goes(listing: list[Candidate], limit: int) -> None:
    victim = choose_victim(listing, limit=limit)
    by_use = sorted(listing, key=lambda candidate: candidate.used)
    open_to_it = by_use[: max(len(by_use) - 8, 0)]
    exited = [candidate.session_id for candidate in open_to_it if candidate.exited and not candidate.locked]
    living = [candidate.session_id for candidate in open_to_it if not candidate.exited and not candidate.locked]
    locked_exited = any(candidate.exited and candidate.locked for candidate in open_to_it)
    if len(listing) < limit:
        assert victim is None
    elif exited:
        assert victim == exited[0]
    elif locked_exited or not living:
        assert victim is None
    else:
        assert victim == living[0]


def test_the_sixty_fifth_process_sends_the_oldest_away() -> None:
    listing = [Candidate(1000 + number, number) for number in range(64)]
    assert choose_victim(listing[:63]) is None
    assert choose_victim(listing) == 1000
