"""Label spaces: names in any case, and what is no name."""

import pytest

from kcdp.emotions import LABEL_SPACES, MIKELS_8


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_names_in_any_case(space):
    for number, label in enumerate(space.labels):
        assert [space.index(name) for name in (label, label.upper(), f" {label.title()}\n")] == [number] * 3


@pytest.mark.parametrize("name", ["joy", "", "awe!", None, 3])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="is not one of the Mikels-8 labels: amusement, awe"):
        MIKELS_8.index(name)
