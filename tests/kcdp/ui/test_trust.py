from kcdp.ui.languages import ENGLISH
from kcdp.ui.trust import in_ten


def test_ten_of_ten_is_what_never_failed() -> None:
    said = [in_ten(share, ENGLISH) for share in (0.0, 0.64, 0.96, 0.999, 1.0)]
    assert said == ["0 of 10", "6 of 10", "9 of 10", "9 of 10", "10 of 10"]
