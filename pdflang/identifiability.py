"""What data of a model's kind can say of its parameters, before there are any draws: Fisher information at the prior.

At draws of the prior the terms of the log-likelihood are differentiated: a direction in which no term changes is one
that data never determine. Which one it is, is told in the words of the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.linalg import null_space
from scipy.sparse.csgraph import connected_components

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.fields import parameter_entries

if TYPE_CHECKING:
    from pdflang.diagnostics import Span
    from pdflang.embedding import Model

PLACES = 4
"""Draws of the prior at which information is computed."""

_DRAWS_OF_PRIOR = 200
_NOTHING = 1e-9
"""Scores below this share of the largest are rounding."""

_HARDLY = 0.02
"""A parameter whose variance data are expected to reduce by less than this share is told."""

_MOST_LISTED = 6
"""Entries that a message names one by one."""

_ROUND = 1e-4
"""Entries of a vector below this share of its largest are rounding."""

_ALIKE = 1e-7
"""A vector lies in a space if its part outside has a square below this."""


class Place(NamedTuple):
    """What one draw of the prior shows, in n coordinates.

    scores (k, n): gradients of terms of the likelihood, in units of the prior's standard deviations; their squares add
    up to the Fisher information of a set of data. values (m,) of the flattened parameters, and their slopes (m, n) in
    the same units.
    """

    scores: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


Kind = Literal["product", "sum", "other"]


@dataclass(frozen=True)
class Undetermined:
    """Parameters that observations do not tell apart, by their `entries` among the flattened ones.

    `kind` says what stays the same along the directions in which no observation changes: `product` the products of
    powers, `sum` the weighted sums whose exponents, or weights, are the rows of `combinations` (rows, entries); none
    where a single parameter changes nothing. `other`: the directions are others at each place.
    """

    kind: Kind
    entries: tuple[int, ...]
    combinations: np.ndarray


def information_at(model: Model, seed: int = 0, places: int = PLACES, terms: int | None = None) -> list[Place]:
    """The information of data at draws of the prior; of starts, where that is improper.

    It is estimated by so many `terms` of the likelihood at least, of as many data sets as that takes; by default by
    twice as many as there are coordinates, which shows the directions that have none. Places that nothing can be
    simulated at, where that is needed, are left out. Raises `PdflangError` where that is so of all.
    """
    import jax

    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(seed), _DRAWS_OF_PRIOR)
        starts = np.asarray(jax.vmap(lambda key: model.functions.start(key, model.arrays))(keys))
    starts = starts[np.all(np.isfinite(starts), axis=1)]
    widths = np.maximum(starts.std(axis=0), 1e-12)
    found: list[Place] = []
    failure: PdflangError | None = None
    for number, z in enumerate(starts):
        if len(found) == places or number == 5 * places:
            break
        try:
            found.append(_place(model, z, widths, seed + 1 + number, terms or 2 * model.dimension))
        except PdflangError as problem:
            failure = problem
    if not found and failure is not None:
        raise failure
    return found


def _place(model: Model, z: np.ndarray, widths: np.ndarray, seed: int, enough: int) -> Place:
    import jax
    import jax.numpy as jnp

    from pdflang.simulated import data_record

    params, twin = model.constrain(z), model
    # Events have terms enough, and other numbers of them at each place.
    has_events = bool(model.event_counts())
    rows: list[np.ndarray] = []
    # A joint distribution has one term whatever its data: more data sets show the same as more terms.
    while sum(map(len, rows)) < enough and len(rows) < enough:
        if rows or not has_events:
            drawn = model.simulate(jax.random.fold_in(jax.random.key(seed), len(rows)), params)
            twin = model.rebind(data_record(model, drawn))
        with jax.enable_x64(True):
            slopes = np.asarray(twin.functions.term_slopes(jnp.asarray(z), twin.arrays))
        rows.append(np.where(np.isfinite(slopes), slopes, 0.0) * widths)
    with jax.enable_x64(True):
        jacobian = np.asarray(model.functions.constrain_jacobian(jnp.asarray(z), model.arrays))
    values = np.concatenate([np.ravel(value) for value in params.values()])
    return Place(np.concatenate(rows) / np.sqrt(len(rows)), values, jacobian * widths)


def undetermined(places: Sequence[Place]) -> list[Undetermined]:
    """The parameters that no observation depends on, or only by some combinations of theirs."""
    spaces = [_null_space(place) for place in places]
    count = min(space.shape[1] for space in spaces)
    if count == 0:
        return []
    # In units of the priors' widths, so that no entry is small or large by itself.
    widths = np.mean([np.linalg.norm(place.slopes, axis=1) for place in places], axis=0)
    natural = [
        _orthonormal(place.slopes @ space / widths[:, None]) for place, space in zip(places, spaces, strict=True)
    ]
    positive = np.all([place.values > 0 for place in places], axis=0)
    relative = [
        _orthonormal(_within(basis, positive) * (widths / place.values)[:, None])
        for place, basis in zip(places, natural, strict=True)
    ]
    sums, products = _common(natural) * widths[:, None], _common(relative)
    found: list[Undetermined] = []
    kinds: tuple[tuple[Kind, np.ndarray], ...] = (("sum", sums), ("product", products))
    for kind, directions in kinds:
        known = {entry for other in found for entry in other.entries}
        found += [group for group in _groups(kind, directions) if not known & set(group.entries)]
    told = sum(len(group.entries) - len(group.combinations) for group in found)
    if told < count:
        known = {entry for other in found for entry in other.entries}
        largest = np.max([np.abs(space).max(axis=1) for space in natural], axis=0)
        entries = tuple(int(i) for i in np.flatnonzero(largest > _ROUND) if i not in known)
        found.append(Undetermined("other", entries, np.zeros((0, len(entries)))))
    return found


def _groups(kind: Kind, directions: np.ndarray) -> list[Undetermined]:
    """Entries that belong together, and what stays the same of them along directions (m, k)."""
    taking_part = np.abs(directions) > _ROUND * np.abs(directions).max(axis=0, initial=1e-300)
    links = taking_part @ taking_part.T
    _, labels = connected_components(links, directed=False)
    groups = []
    for label in dict.fromkeys(labels[links.diagonal() > 0]):
        entries = np.flatnonzero((labels == label) & (links.diagonal() > 0))
        own = directions[np.ix_(entries, taking_part[entries].any(axis=0))]
        scale = np.abs(own).max(axis=1)
        # What is orthogonal to the directions; in entries of one size, so that rounding does not decide.
        staying = null_space((own / scale[:, None]).T, rcond=_ROUND).T / scale
        groups.append(Undetermined(kind, tuple(map(int, entries)), _reduced(staying)))
    return groups


def shrinkage(places: Sequence[Place]) -> np.ndarray:
    """By which share data are expected to reduce the variance of each coordinate (n,), the median over places."""
    shares = []
    for place in places:
        information = place.scores.T @ place.scores
        shares.append(1 - np.diag(np.linalg.inv(information + np.eye(len(information)))))
    return np.asarray(np.median(shares, axis=0))


def _null_space(place: Place) -> np.ndarray:
    _, sizes, rows = np.linalg.svd(np.linalg.qr(place.scores, mode="r"))
    sizes = np.concatenate([sizes, np.zeros(len(rows) - len(sizes))])
    return np.asarray(rows[sizes <= _NOTHING * max(float(sizes[0]), 1e-6)].T)


def _orthonormal(vectors: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the same space."""
    return np.asarray(np.linalg.qr(vectors)[0]) if vectors.size else vectors


def _within(basis: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """A basis of the vectors of a space that have only allowed entries."""
    _, sizes, rows = np.linalg.svd(basis[~allowed], full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(len(rows) - len(sizes))])
    return np.asarray(basis @ rows[sizes < _ROUND].T)


def _common(spaces: Sequence[np.ndarray]) -> np.ndarray:
    """Vectors (m, k) that lie in every space, each of as few entries as elimination leaves."""
    projector = np.mean([space @ space.T for space in spaces], axis=0)
    values, vectors = np.linalg.eigh(projector)
    return _reduced(vectors[:, values > 1 - _ALIKE].T).T


def _reduced(rows: np.ndarray) -> np.ndarray:
    """Reduced row echelon form with the largest pivots; what is rounding is 0."""
    rows = rows.copy()
    pivots: list[int] = []
    for i in range(len(rows)):
        free = np.abs(rows[i]).copy()
        free[pivots] = 0
        pivot = int(np.argmax(free))
        pivots.append(pivot)
        rows[i] /= rows[i, pivot]
        for j in range(len(rows)):
            if j != i:
                rows[j] -= rows[j, pivot] * rows[i]
    return np.where(np.abs(rows) > _ROUND, rows, 0.0)


# --- in the words of the model ------------------------------------------------------------------------------------


def remarks(model: Model, places: Sequence[Place]) -> list[Diagnostic]:
    """What data cannot say, each at the line of its parameter: L412 and L413."""
    names = parameter_entries(model)
    found = []
    silent: dict[str, list[str]] = {}
    declared: set[str] = set()
    for group in undetermined(places):
        if group.kind == "other" and _data_count(model) < model.dimension:
            # As in a hierarchy: fewer data than parameters, of which the priors are a part of the model.
            continue
        involved = [names[i] for i in group.entries]
        declared.update(map(_declared, involved))
        if len(involved) > 1:
            found.append(_together(model, group, involved))
        else:
            silent.setdefault(_declared(involved[0]), []).append(involved[0])
    found += [_no_influence(model, entries) for entries in silent.values()]
    shares: dict[str, float] = {}
    for name, share in zip(_coordinates(model), shrinkage(places), strict=True):
        shares[name] = max(float(share), shares.get(name, 0.0))
    found += [_hardly(model, name, share) for name, share in shares.items() if share < _HARDLY and name not in declared]
    return sorted(found, key=lambda remark: remark.span.line if remark.span else 0)


def _no_influence(model: Model, entries: list[str]) -> Diagnostic:
    one = len(entries) == 1
    which = _listed([f"`{entry}`" for entry in entries])
    return Diagnostic(
        "L412",
        f"{which} {'has' if one else 'have'} no influence on any observation: "
        f"{'its posterior is its prior' if one else 'their posteriors are their priors'}",
        _span(model, entries[0]),
        remedy="see whether it is missing from an expression, or take it out",
        severity="lint",
    )


def _hardly(model: Model, name: str, share: float) -> Diagnostic:
    return Diagnostic(
        "L412",
        f"`{name}` has hardly any influence on observations: data are expected to reduce its prior's variance by "
        f"{share:.1%} only",
        _span(model, name),
        remedy="its posterior will be about its prior: choose that with care, or fix the parameter",
        severity="lint",
    )


def _together(model: Model, group: Undetermined, involved: list[str]) -> Diagnostic:
    if group.kind == "other":
        told = f"in some direction of {_listed(involved)}, another one at each place, no observation changes"
    else:
        write = _product if group.kind == "product" else _sum
        combinations = [write(involved, row) for row in group.combinations]
        told = f"{_listed(involved)} enter observations only as {_listed(combinations)}"
    return Diagnostic(
        "L413",
        f"{told}: data do not tell them apart",
        _span(model, involved[0]),
        remedy="fix one of them, give it a prior that says what is known, or make their combination the parameter",
        severity="lint",
    )


def _product(names: Sequence[str], exponents: np.ndarray) -> str:
    """A product of powers, with the first exponent positive."""
    powers = [(name, power) for name, power in zip(names, _round_numbers(exponents), strict=True) if power]
    text = ""
    for name, power in powers:
        size = "" if abs(power) == 1 else f"^{abs(power):.3g}"
        text += f"{'*' if power > 0 else '/'}{name}{size}" if text else f"{name}{size}"
    return text


def _sum(names: Sequence[str], weights: np.ndarray) -> str:
    """A weighted sum, with the first weight positive."""
    text = ""
    for name, weight in zip(names, _round_numbers(weights), strict=True):
        if weight:
            term = name if abs(weight) == 1 else f"{abs(weight):.3g}*{name}"
            text += f" {'+' if weight > 0 else '-'} {term}" if text else term
    return text


def _round_numbers(values: np.ndarray) -> np.ndarray:
    """Multiples of the same numbers: whole ones where small whole ones do, with the first positive."""
    values = values / values[np.flatnonzero(values)[0]]
    for factor in range(1, 13):
        if np.allclose(values * factor, np.round(values * factor), atol=1e-3):
            return np.asarray(np.round(values * factor))
    return np.asarray(values)


def _listed(texts: Sequence[str]) -> str:
    """Texts as a sentence has them; of many the first few and the last."""
    if len(texts) > _MOST_LISTED:
        return f"{', '.join(texts[:3])}, … and {texts[-1]} ({len(texts)} of them)"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _span(model: Model, entry: str) -> Span:
    return model.program.parameters[_declared(entry)].span


def _declared(entry: str) -> str:
    """The parameter that an entry belongs to."""
    return entry.split("[")[0]


def _data_count(model: Model) -> int:
    targets = [observation.target for observation in model.program.observations.values()]
    return sum(math.prod(axis.size.bind(model.bound.lengths) for axis in target.axes) for target in targets)


def coordinates(model: Model) -> tuple[str, ...]:
    """The names of the unconstrained coordinates: those of the entries, where there are as many."""
    entries: dict[str, list[str]] = {}
    for entry in parameter_entries(model):
        entries.setdefault(_declared(entry), []).append(entry)
    names = []
    for slot in model.functions.generated.slots:
        name, size = slot.parameter.name, slot.stop - slot.start
        names += entries[name] if len(entries[name]) == size else [f"{name} ({i + 1})" for i in range(size)]
    return tuple(names)


def _coordinates(model: Model) -> list[str]:
    """The parameter of each unconstrained coordinate."""
    slots = model.functions.generated.slots
    return [slot.parameter.name for slot in slots for _ in range(slot.start, slot.stop)]
