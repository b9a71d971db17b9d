"""Students: a low-rank change of the teacher's weights, and weights of their own."""

import copy

import pytest
import torch
from diffusers import UNet2DConditionModel

from kcdp.painting.student import ADAPTER_FILE, add_adapter, load_student, save_student

INPUTS = (torch.randn(2, 4, 8, 8), torch.tensor([10.0, 500.0]), torch.randn(2, 5, 16))


def denoiser(seed=0):
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        layers_per_block=1,
        attention_head_dim=2,
        cross_attention_dim=16,
        norm_num_groups=8,
    ).eval()


@torch.no_grad()
def said(unet):
    return unet(*INPUTS, return_dict=False)[0]


def changed(teacher):
    """A student of a low-rank change that does something."""
    student = copy.deepcopy(teacher)
    add_adapter(student, 4)
    torch.manual_seed(1)
    for name, value in student.named_parameters():
        if "lora_B" in name:
            value.data.normal_(std=0.05)
    return student


def test_the_change_begins_as_none_and_alone_is_trained():
    teacher, student = denoiser(), denoiser()
    add_adapter(student, 4)
    assert torch.equal(said(student), said(teacher))
    trained = {name for name, value in student.named_parameters() if value.requires_grad}
    assert trained and all("lora_" in name for name in trained)
    # Every matrix and kernel has one.
    assert len(trained) == 2 * sum(
        isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) for module in teacher.modules()
    )


def test_a_change_is_kept_in_a_fraction_of_the_room_and_put_into_the_teachers_weights(tmp_path):
    teacher = denoiser()
    student = changed(teacher)
    assert not torch.allclose(said(student), said(teacher), atol=0.05)
    save_student(student, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [ADAPTER_FILE]
    assert (tmp_path / ADAPTER_FILE).stat().st_size < 0.5 * 4 * teacher.num_parameters()
    names = teacher.state_dict().keys()
    loaded = load_student(tmp_path, lambda: copy.deepcopy(teacher))
    torch.testing.assert_close(said(loaded), said(student), atol=1e-4, rtol=1e-4)
    assert loaded.state_dict().keys() == names
    assert load_student(tmp_path, lambda: teacher, torch.float16).dtype == torch.float16


def test_weights_of_its_own_need_no_teacher(tmp_path):
    student = denoiser(3)
    save_student(student, tmp_path)

    def teacher():
        pytest.fail("the teacher was loaded")

    assert torch.equal(said(load_student(tmp_path, teacher)), said(student))
