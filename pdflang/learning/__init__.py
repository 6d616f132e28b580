"""Densities that are learned from simulations of a model. Importing this package imports no JAX."""

from pathlib import Path

NETWORKS = "networks.npz"
ARCHITECTURE = "networks.json"


def is_trained(path: Path) -> bool:
    """Whether a path is the folder of a training that came to an end."""
    return (path / NETWORKS).is_file() and (path / ARCHITECTURE).is_file()
