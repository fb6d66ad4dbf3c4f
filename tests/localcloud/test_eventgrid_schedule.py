"""What a webhook's answer does to an event: given up at once, or tried again no sooner than documented."""

from __future__ import annotations

import pytest

from localcloud.eventgrid.schedule import GiveUp, after


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_an_answer_that_no_retry_can_mend_is_given_up_at_the_first_attempt(status: int) -> None:
    assert after(1, status, age=0, factor=1) == GiveUp(reason=f"not retried after {status}")


def test_an_endpoint_that_is_not_there_is_tried_again_after_five_minutes_or_more() -> None:
    waits = [after(attempt, 404, age=0, factor=1) for attempt in range(1, 7)]
    assert waits == [300, 300, 300, 300, 600, 1800]
