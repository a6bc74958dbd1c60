"""A delivered report costs no more transactions, statements and calls to Webex than it must."""

from __future__ import annotations

import pytest

from tests.bench import costs


# How often the queue is read depends a little on which thread is quicker: at best seven reads.
@pytest.mark.parametrize(
    ("in_group", "most"),
    [
        pytest.param(False, costs.Costs(writes=7, reads=8.5, statements=34, calls=5), id="1:1"),
        pytest.param(True, costs.Costs(writes=7, reads=8.5, statements=34, calls=7), id="group"),
    ],
)
def test_a_delivered_report_costs_no_more_than_this(in_group: bool, most: costs.Costs) -> None:
    found = costs.of_a_report(in_group=in_group)

    assert found <= most
    assert found.writes > 1, "the report was counted at all"
