from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from train.metrics.fid import frechet_distance


def by_hand(real: np.ndarray, generated: np.ndarray) -> float:
    """The formula with a matrix's square root."""
    gap = real.mean(0) - generated.mean(0)
    covariances = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    root = sqrtm(covariances[0] @ covariances[1])
    return float(gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * np.real(root)))


def test_distance_is_that_of_two_gaussians() -> None:
    real = torch.randn(60, 5) @ torch.randn(5, 5) + 1
    generated = torch.randn(40, 5) @ torch.randn(5, 5)
    expected = by_hand(real.double().numpy(), generated.double().numpy())
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(generated, real) == pytest.approx(expected, rel=1e-6)


def test_a_shift_alone_counts_its_square() -> None:
    real = torch.randn(30, 4)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(real, real + torch.tensor([3.0, 0, 4, 0])) == pytest.approx(25, rel=1e-5)


def test_two_pictures_of_each_are_enough() -> None:
    assert frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]])) == pytest.approx(9)


def test_fewer_pictures_than_features_have_a_distance_too() -> None:
    real, generated = torch.randn(5, 16), torch.randn(6, 16)
    covariances = torch.cov(real.double().T), torch.cov(generated.double().T)
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors @ values.clamp(min=0).sqrt().diag() @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt().sum()
    gap = (real.double().mean(0) - generated.double().mean(0)).square().sum()
    expected = gap + covariances[0].trace() + covariances[1].trace() - 2 * overlap
    assert frechet_distance(real, generated) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize(("real", "generated"), [((1, 4), (5, 4)), ((5, 4), (1, 4)), ((5, 4), (5, 3))])
def test_errors_say_what_is_wrong(real: tuple[int, int], generated: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="two pictures or more"):
        frechet_distance(torch.rand(real), torch.rand(generated))
