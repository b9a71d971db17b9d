"""UniEmo with one thing changed: the rows of figures 6 and 7 and of tables V to VIII, as settings of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A row of a table.

    Args:
        title: in print.
        understanding: changed settings of `UnderstandingConfig`.
        joint: of `JointConfig`.
        feedback: of `FeedbackConfig`; None where there is no explicit feedback.
    """

    title: str
    understanding: Mapping[str, Any] = field(default_factory=dict)
    joint: Mapping[str, Any] = field(default_factory=dict)
    feedback: Mapping[str, Any] | None = None


#: Figure 6, and figure 7, whose lengths are known from its axis alone: ours are of the same order.
UNDERSTANDINGS: dict[str, Variant] = {
    "none": Variant("No queries", {"strategy": "none"}),
    "single-step": Variant("Queries from the first layer on", {"strategy": "single-step"}),
    "multi-stage": Variant("Queries stage by stage (UniEmo)", {"strategy": "multi-stage"}),
    **{f"queries-{count}": Variant(f"{count} queries of either kind", {"num_queries": count}) for count in (8, 16, 64)},
}

#: The first rows of table V have neither the correlation coefficient nor the emotional condition loss.
_NO_LOSS = {"condition": "none"}
_PLAIN = {**_NO_LOSS, "correlation": False}


def _fed(title: str, **feedback: Any) -> Variant:
    return Variant(f"Explicit feedback, {title}", feedback=feedback)


#: Tables V to VIII; what is not said is as the recipe says.
VARIANTS: dict[str, Variant] = {
    "cls": Variant("Class token", joint={**_PLAIN, "use": "cls"}),
    "cls+object": Variant("Class token and objects", joint={**_PLAIN, "use": "cls+object"}),
    "cls+scene": Variant("Class token and scenes", joint={**_PLAIN, "use": "cls+scene"}),
    "all": Variant("Class token, objects and scenes", joint=_PLAIN),
    "cls+object-alpha": Variant("Class token and weighed objects", joint={**_NO_LOSS, "use": "cls+object"}),
    "cls+scene-alpha": Variant("Class token and weighed scenes", joint={**_NO_LOSS, "use": "cls+scene"}),
    "all-alpha": Variant("Class token, weighed objects and scenes", joint=_NO_LOSS),
    "all-alpha-ce": Variant("The same with cross-entropy", joint={"condition": "ce"}),
    "joint": Variant("The same with the emotional condition loss; no explicit feedback"),
    "feedback": _fed("as the recipe says"),
    "feedback-emotion": _fed("ranked by Emo-A", by="emotion"),
    "feedback-clarity": _fed("ranked by Sem-C", by="clarity"),
    **{
        f"feedback-{low}-{high}": _fed(f"{low} to {high} %", low=low / 100, high=high / 100)
        for low, high in ((0, 100), (10, 90), (50, 80), (50, 100))
    },
    **{f"feedback-{share}": _fed(f"{share} % generated", share=share / 100) for share in (5, 10, 30)},
}
