"""Any policy that can be loaded can be tried in a simulated quarter before it goes live."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from handrail.errors import ConfigError, PolicyError
from handrail.policy import loads
from handrail.policy.runtime.log_row import read_row
from handrail.policy.runtime.record import rederive
from handrail.testing.plants import IN_POLICY, plant
from handrail.testing.quarter import Quarter, QuarterSettings
from handrail.testing.traffic_plants import IN_TRAFFIC
from support.generated_policies import policies

SMALL = QuarterSettings(weeks=1, weekly=40, attack_week=0, outages=0.05)


def _plays(text: str, kinds: tuple[str, ...]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "eigene.yaml"
        path.write_text(text, encoding="utf-8")
        played = Quarter(plant(str(path), kinds), SMALL)
        week = played.play()
        played.cases(week)
    assert played.drawn or not played.policy.facts.keys() - {"tool.name", "confidence"}
    json.dumps(week.records)
    rows = [row for row in map(read_row, week.records) if row is not None]
    for row in rows:
        if row.is_decision and not row.grant:
            assert not rederive(row.record(), played.policy).differences


@settings(max_examples=40, deadline=None)
@given(policies())
def test_a_policy_that_can_be_loaded_can_be_simulated(text: str) -> None:
    try:
        loads(text)
    except PolicyError:
        assume(False)
    _plays(text, ())


@settings(max_examples=25, deadline=None)
@given(policies(), st.sampled_from([*IN_POLICY, *IN_TRAFFIC]))
def test_a_plant_finds_a_place_or_a_typed_error_says_that_there_is_none(text: str, kind: str) -> None:
    try:
        loads(text)
    except PolicyError:
        assume(False)
    with suppress(ConfigError):
        _plays(text, (kind,))
