"""Which of diffusers' schedulers lead to a picture, and that the others are refused by name."""

import pytest
from diffusers import (
    DDIMInverseScheduler,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EDMEulerScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    IPNDMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)

from kcdp.painting.schedulers import Schedule, check_scheduler

SETTINGS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
OWN = PNDMScheduler(**SETTINGS, skip_prk_steps=True, set_alpha_to_one=False)
SCHEDULE = Schedule.of(OWN)


@pytest.mark.parametrize(
    "kind", [PNDMScheduler, DDIMScheduler, EulerDiscreteScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler]
)
@pytest.mark.parametrize("strength", [None, 0.6])
def test_those_made_from_the_bundles_own_configuration_fit(kind, strength):
    check_scheduler(SCHEDULE, kind.from_config(OWN.config), 25, strength)


@pytest.mark.parametrize(
    ("scheduler", "strength"),
    [
        (IPNDMScheduler(), None),
        (EDMEulerScheduler(), None),
        (FlowMatchEulerDiscreteScheduler(), None),
        (DDIMInverseScheduler.from_config(OWN.config), None),
        # Of the right kind, but for other noise or another prediction.
        (DDIMScheduler(), None),
        (EulerDiscreteScheduler(**{**SETTINGS, "prediction_type": "v_prediction"}), None),
        # Its first steps are left out, and it does not know what to do without them.
        (PNDMScheduler(**SETTINGS), 0.1),
    ],
)
def test_others_are_refused_by_name(scheduler, strength):
    with pytest.raises(
        ValueError, match=rf"^{type(scheduler).__name__} does not fit .*, at 25 steps; use another [^\n]*\.$"
    ):
        check_scheduler(SCHEDULE, scheduler, 25, strength)


def test_flow_fits_flow():
    flow = FlowMatchEulerDiscreteScheduler(shift=3.0)
    for strength in (None, 0.5):
        check_scheduler(Schedule.of(flow), FlowMatchEulerDiscreteScheduler(), 4, strength)
    with pytest.raises(ValueError, match="DDIMScheduler does not fit"):
        check_scheduler(Schedule.of(flow), DDIMScheduler(), 4)
