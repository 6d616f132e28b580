"""Densities that are learned from simulations of a model. Importing this package imports no JAX."""
