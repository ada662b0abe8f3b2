"""How often somebody may do something."""

from apps.chat.token_bucket import TokenBucket


def test_a_burst_is_allowed_and_then_so_much_a_second():
    now = 0.0
    bucket = TokenBucket(3, 2.0, clock=lambda: now)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]
    now = 0.5
    assert bucket.take() == 0
    assert bucket.take() == 0.5


def test_tokens_do_not_pile_up_beyond_the_burst():
    now = 0.0
    bucket = TokenBucket(2, 1.0, clock=lambda: now)
    now = 1_000.0
    assert [bucket.take() for _ in range(3)] == [0, 0, 1.0]
