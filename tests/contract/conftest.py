"""Guards that the tests of open values share."""

from collections.abc import Iterator

import pytest

from support.open_world_runs import Guards, guards_in


@pytest.fixture(scope="module")
def guards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guards]:
    with guards_in(tmp_path_factory.mktemp("guards")) as made:
        yield made
