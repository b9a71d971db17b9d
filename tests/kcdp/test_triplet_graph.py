from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

from kcdp.results import Triplet
from kcdp.triplet_graph import PHONE_WIDTH, _ranks, triplet_graph


def drawn(triplets: list[Triplet]) -> ElementTree.Element:
    (svg,) = ElementTree.fromstring(triplet_graph(triplets))
    return svg


def texts(svg: ElementTree.Element, kind: str) -> list[str]:
    return [
        " ".join(span.text for span in group.iter("tspan")) for group in svg.iter("g") if group.get("class") == kind
    ]


def boxes(svg: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) of every box."""
    found = []
    for rect in svg.iter("rect"):
        x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


GRAPHS = {
    "one": [Triplet("man", "hugs", "woman")],
    "fan": [Triplet("cat", verb, thing) for verb, thing in (("sits on", "sofa"), ("looks at", "bird"), ("has", "hat"))],
    "chain": [Triplet("girl", "holds", "red balloon"), Triplet("red balloon", "flies over", "town")],
    "circle": [Triplet("dog", "chases", "cat"), Triplet("cat", "scares", "dog")],
    "self": [Triplet("man", "hurts", "man")],
    "crossed": [
        Triplet(who, verb, what) for who in ("boy", "girl") for verb, what in (("eats", "cake"), ("sees", "dog"))
    ],
    "fan in rows": [
        Triplet("ghost", "with", "brows"),
        Triplet("brows", "is", "slanted"),
        Triplet("brows", "raised at", "ends"),
        Triplet("brows", "raised at", "mouth"),
        Triplet("brows", "raised at", "tear"),
        Triplet("ends", "is", "inner"),
        Triplet("mouth", "is", "wobbly"),
    ],
    "fan turned round": [Triplet(who, "is looking at", "town") for who in ("girl", "boy", "dog")]
    + [Triplet("town", "is underneath", "a very large balloon")],
    "long": [Triplet("a very old and tired looking fisherman", "is slowly walking towards", "the small wooden boat")],
    "wide": [Triplet("crowd", "cheers for", f"very famous player {number}") for number in range(5)]
    + [Triplet("very famous player 1", "thanks", "the whole big crowd"), Triplet("mascot", "joins", "crowd")],
}


@pytest.mark.parametrize("triplets", GRAPHS.values(), ids=GRAPHS)
def test_everything_is_drawn_inside_and_things_do_not_overlap(triplets: list[Triplet]) -> None:
    svg = drawn(triplets)
    things = {part for item in triplets for part in (item.subject, item.object)}
    assert set(texts(svg, "kc-node")) == things
    assert svg.get("aria-label") == "; ".join(map(str, triplets))
    left, top, width, height = map(float, svg.get("viewBox").split())
    placed = boxes(svg)
    for box in placed:
        assert left <= box[0] and top <= box[1] and box[2] <= left + width and box[3] <= top + height
    nodes = placed[: len(texts(svg, "kc-node"))]
    for index, one in enumerate(nodes):
        for two in nodes[index + 1 :]:
            assert one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]


@pytest.mark.parametrize("name", ["fan", "crossed", "fan in rows", "fan turned round"])
def test_labels_of_neighbouring_arrows_stand_apart(name: str) -> None:
    svg = drawn(GRAPHS[name])
    labels = boxes(svg)[len(texts(svg, "kc-node")) :]
    for index, one in enumerate(labels):
        for two in labels[index + 1 :]:
            across = min(one[2], two[2]) - max(one[0], two[0])
            down = min(one[3], two[3]) - max(one[1], two[1])
            assert across <= 0 or down <= 8, "the text of two labels overlaps"


def test_arrows_go_from_subject_to_object_and_same_pair_shares_one() -> None:
    svg = drawn([Triplet("man", "hugs", "dog"), Triplet("man", "kisses", "dog")])
    assert texts(svg, "kc-edge-label") == ["hugs, kisses"]
    man, dog = boxes(svg)[:2]
    (path,) = [item for item in svg.iter("path") if item.get("class") == "kc-edge"]
    numbers = path.get("d").replace("M", " ").replace("C", " ").split()
    assert float(numbers[0]) == pytest.approx(man[2], abs=0.2)
    assert float(numbers[-2]) == pytest.approx(dog[0] - 2, abs=0.2)


def test_columns_fit_a_phone_else_rows() -> None:
    narrow = drawn(GRAPHS["one"])
    assert float(narrow.get("viewBox").split()[2]) <= PHONE_WIDTH + 20
    long = drawn(GRAPHS["long"])
    upper, lower = boxes(long)[:2]
    assert upper[3] < lower[1]


def test_no_triplet_is_said_and_model_text_is_escaped() -> None:
    assert "Nothing in it says who does or is what" in triplet_graph([])
    assert triplet_graph([], lambda text: "<nada>") == "<p>&lt;nada&gt;</p>"
    assert "<b>" not in triplet_graph([Triplet("<b>", "&", '"')])


@pytest.mark.parametrize("seed", range(20))
def test_a_rank_is_the_length_of_the_longest_way_by_arrows_that_close_no_circle(seed: int) -> None:
    draw = random.Random(seed)
    things = "abcdefg"
    arrows = list(dict.fromkeys(tuple(draw.sample(things, 2)) for _ in range(draw.randrange(14))))
    kept: list[tuple[str, str]] = []

    def leads(start: str, end: str) -> bool:
        return start == end or any(leads(target, end) for source, target in kept if source == start)

    def longest(end: str) -> int:
        return max((1 + longest(source) for source, target in kept if target == end), default=0)

    for source, target in arrows:
        if not leads(target, source):
            kept.append((source, target))
    found = _ranks(things, arrows)
    assert found == {name: longest(name) for name in things}
    assert list(found.values()) == sorted(found.values())
