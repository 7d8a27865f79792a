from __future__ import annotations

import pytest

from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import ENTRIES_MAX
from cells.errors import ConfigError
from cells.settings import Anomalies, Approvals, Identity, RegionConfig
from cells.watching import anomaly_settings


def config(mode="required", refund_minor=10_000, **more) -> RegionConfig:
    return RegionConfig(
        identity=Identity(mode=mode), anomalies=Anomalies(**more), approvals=Approvals(refund_minor=refund_minor)
    )


def test_a_cell_without_identity_is_watched_or_one_with_it_is_not():
    assert anomaly_settings(config("off")) is None
    assert anomaly_settings(config(enabled=False)) is None
    assert anomaly_settings(config()).lookups == AnomalySettings().lookups


def test_a_threshold_is_ignored_or_a_wrong_one_taken():
    told = anomaly_settings(config(thresholds={"lookups": 40.0, "hurry": 7.5, "refund_threshold_minor": 5000.0}))
    assert (told.lookups, told.hurry, told.refund_threshold_minor) == (40, 7.5, 5000)
    for wrong in ({"lookups": 1.0}, {"lookups": 9.5}, {"lokups": 40.0}, {"one_sided": 2.0}):
        with pytest.raises(ConfigError, match="thresholds"):
            anomaly_settings(config(thresholds=wrong))


@pytest.mark.parametrize(
    ("name", "most"), [("stuffed_accounts", ENTRIES_MAX), ("lookups", ENTRIES_MAX), ("places_turns", ENTRIES_MAX - 2)]
)
def test_a_threshold_that_no_window_can_reach_is_taken_and_its_rule_never_tells_anything(name, most):
    assert getattr(anomaly_settings(config(thresholds={name: float(most)})), name) == most
    with pytest.raises(ConfigError, match=rf"(?s)<= {most} - at `\$\.{name}`.*{ENTRIES_MAX} lines"):
        anomaly_settings(config(thresholds={name: most + 1.0}))


@pytest.mark.parametrize(
    ("refund_minor", "thresholds", "watched"),
    [
        (7_000, {}, 7_000),
        (7_000, {"refund_threshold_minor": 5_000.0}, 5_000),
        # Nothing waits, so that nothing is just under it; the rule stays as it is made.
        (0, {}, 10_000),
    ],
)
def test_the_monitor_watches_another_threshold_of_refunds_than_the_one_that_holds(refund_minor, thresholds, watched):
    assert anomaly_settings(config(refund_minor=refund_minor, thresholds=thresholds)).refund_threshold_minor == watched
