from kcdp.figures import PartFigures
from kcdp.ui.languages import ENGLISH
from kcdp.ui.trust import in_ten, photo_sentence


def figures(**accuracies: float) -> dict[str, PartFigures]:
    return {
        part.replace("_", "-"): PartFigures(100, share, 0.9, share, 0.5, share) for part, share in accuracies.items()
    }


def test_a_photo_is_said_to_be_harder_only_where_the_figures_say_so() -> None:
    weak = figures(emoji=0.5, new_kinds=0.9, photos=0.55)
    assert photo_sentence(weak) == (
        "This looks like a photo. On photos it is right in 6 of 10, less often than on drawings."
    )
    assert photo_sentence(figures(emoji=0.5, new_kinds=0.6, photos=0.56)) == ""
    assert photo_sentence(figures(emoji=0.9)) == photo_sentence(figures(photos=0.2)) == photo_sentence({}) == ""


def test_ten_of_ten_is_what_never_failed() -> None:
    said = [in_ten(share, ENGLISH) for share in (0.0, 0.64, 0.96, 0.999, 1.0)]
    assert said == ["0 of 10", "6 of 10", "9 of 10", "9 of 10", "10 of 10"]
