"""What bets on a canary have won: the arithmetic that turns counted errors into evidence.

One euro is spread over bets that the canary is worse than allowed. While it keeps to its limit the bets lose on
average, so the euro ever becomes 1 / risk in at most `risk` of all good rollouts, however often one looks (Ville's
inequality). Bets that it is *better* than CEILING times the limit give the pass in the same way.

One interval pays `a` for an error of the canary and `b` for an error of stable, and costs 1 + (a - 1) rate for each
request of the canary. With u = (a - 1) / (1 + (a - 1) rate) and b = 1 - u times canary/stable (requests), a canary of
error rate times p + rate beside a stable of rate p, each request on its own, makes an average of
    (1 + u times p) ^ canary  (1 - u times p canary/stable) ^ stable  <=  exp(0)  =  1
whatever p is: stable's rate need not be known, nor stay what it was in the last interval. An incident that hits both
pays nothing. Errors that come in bursts (a client that retries) break "each on its own", and with it the promise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rollouts.checks import Check, CheckKind, Counts, Limit, Tally

WORSE = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)  # bets: the odds of an error are so many times those allowed
BETTER = (0.0, 1 / 8, 1 / 4, 1 / 2)  # the same, of CEILING times what is allowed
RISK = 0.01  # the chance to fail a canary that keeps to its limit, and to pass one at CEILING times that
CEILING = 5.0
# Below one failed request in 200 "more than stable" is no reason to roll back: a stable without any would allow none.
# It is also what passing starts from where the limit names no rate (CEILING times: 2.5 %, about 210 clean requests;
# 0.1 % would ask for over 1,000). Whoever needs less writes `stable + 0.1%`.
FLOOR = 0.005
NEAR_ALL = 0.99  # a rate above is read as this: against 100 % there is nothing to bet
LOST = -1e300  # the log of nothing, finite because a row is JSON
ALL = 100  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A canary at these terms fails `times` as often as stable, plus `rate` (0 to 1)."""

    times: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What was counted between two looks."""

    canary: Counts
    stable: Counts


def risk_each(checks: Iterable[Check]) -> float:
    """The risk each error check may take so that all together stay within RISK; one that only warns takes none."""
    return RISK / max(1, sum(check.kind is CheckKind.ERRORS and not check.warn for check in checks))


def allowed(limit: Limit) -> Terms:
    """The worst canary that keeps to the limit."""
    if limit.times is not None:
        return Terms(times=limit.times, rate=0.0)
    return Terms(times=float(limit.above_stable), rate=limit.rate)


def ceiling(limit: Limit) -> Terms:
    """The best canary that must not pass: CEILING times the limit, its rate at most halfway from there to 1."""
    terms = allowed(limit)
    rate = terms.rate or FLOOR
    return Terms(times=CEILING * terms.times, rate=min(CEILING * rate, (1 + rate) / 2, NEAR_ALL))


def add(check: Check, tally: Tally, canary: Counts, stable: Counts, weight: int, *, risk: float = RISK) -> Tally:
    """Bet on one interval: what was counted since the last one, at this weight of the canary (percent).

    Nothing is learned from a difference that is not positive. At weight 0 the canary has no users, so only stable is
    counted. At 100 there is no stable (what still drains from it is no comparison), and the canary is held to what
    stable showed before. A strike is an interval with canary requests at whose end the check fails.
    """
    if check.limit is None:
        return tally
    alone = weight >= ALL
    seen = Interval(
        canary=_counted(canary) if weight > 0 else Counts(),
        stable=Counts() if alone else _counted(stable),
    )
    added = replace(tally, canary=_sum(tally.canary, seen.canary), stable=_sum(tally.stable, seen.stable), alone=alone)
    added = replace(
        added,
        worse=_play(tally.worse, WORSE, seen, _held(allowed(check.limit), added, worst=True)),
        better=_play(tally.better, BETTER, seen, _held(ceiling(check.limit), added, worst=False)),
        floor=() if check.limit.times is None else _play(tally.floor, WORSE, seen, Terms(times=0.0, rate=FLOOR)),
    )
    if not seen.canary.requests:
        return added
    return replace(added, strikes=tally.strikes + 1 if fails(check, added, risk) else 0)


def _counted(counts: Counts) -> Counts:
    requests = max(0, counts.requests)
    return Counts(requests=requests, errors=min(max(0, counts.errors), requests))


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(requests=one.requests + other.requests, errors=one.errors + other.errors)


def _held(terms: Terms, tally: Tally, *, worst: bool) -> Terms:
    """The terms; while the canary is alone, with stable's rate before as it may have been at worst (or at best).

    Four deviations and a bit: the true rate of a stable that has not changed is outside in under 1 of 1,000 rollouts.
    """
    if not (tally.alone and terms.times and tally.stable.requests):
        return terms
    errors = tally.stable.errors
    spread = 4 * math.sqrt(errors)
    rate = (errors + spread + 7 if worst else max(0.0, errors - spread)) / tally.stable.requests
    return Terms(times=0.0, rate=min(terms.times * rate + terms.rate, NEAR_ALL))


def _play(gains: tuple[float, ...], bets: tuple[float, ...], seen: Interval, terms: Terms) -> tuple[float, ...]:
    """The log gain of each bet after this interval."""
    before = gains or (0.0,) * len(bets)
    return tuple(max(LOST, gain + _gain(bet, seen, terms)) for gain, bet in zip(before, bets, strict=True))


def _gain(bet: float, seen: Interval, terms: Terms) -> float:
    """Log of what one bet makes of one interval.

    Of all `a` this is the one for which, at rate 0, only errors count: whose they were, not how many requests had none.
    """
    canary, stable = seen.canary, seen.stable
    if not canary.requests or (terms.times and not stable.requests):
        return 0.0
    ratio = terms.times * canary.requests / stable.requests if terms.times else 0.0
    a = bet * (1 + ratio) / (1 + bet * ratio)
    cost = 1 + (a - 1) * terms.rate
    b = 1 - ratio * (a - 1) / cost
    paid = canary.errors * (math.log(a) if a else LOST) if canary.errors else 0.0
    return paid + stable.errors * math.log(b) - canary.requests * math.log(cost)


def _evidence(gains: Iterable[float]) -> float:
    """What the euro, spread evenly over the bets, has become; 1 before the first."""
    money = [math.exp(min(gain, 700.0)) for gain in gains]
    return sum(money) / len(money) if money else 1.0


def odds(check: Check, tally: Tally) -> float:
    """To one that the canary is worse than allowed; for a factor of stable, also by more than the floor."""
    if check.limit is not None and allowed(check.limit) == Terms(times=0.0, rate=0.0):
        return math.inf if tally.canary.errors else 0.0  # "none" needs no statistics
    return min(_evidence(tally.worse), _evidence(tally.floor)) if tally.floor else _evidence(tally.worse)


def fails(check: Check, tally: Tally, risk: float) -> bool:
    """Whether the evidence against the canary is enough, strikes left aside."""
    return tally.canary.requests >= check.minimum and odds(check, tally) >= 1 / risk


def missing(limit: Limit, tally: Tally, risk: float) -> int:
    """Clean requests of the canary that would make it pass, stable being clean and as busy as so far; 0: it passes."""
    canary = Counts(requests=max(1, tally.canary.requests))
    stable = Counts(requests=max(1, tally.stable.requests))
    gained = _play((), BETTER, Interval(canary=canary, stable=stable), _held(ceiling(limit), tally, worst=False))
    before = tally.better or (0.0,) * len(BETTER)

    def passes(more: int) -> bool:
        share = more / canary.requests
        return _evidence(had + share * gain for had, gain in zip(before, gained, strict=True)) >= 1 / risk

    enough = 0
    while not passes(enough):
        enough = 2 * enough + 1
    short = enough // 2  # the try before, which was too few
    while enough - short > 1:
        middle = (short + enough) // 2
        short, enough = (short, middle) if passes(middle) else (middle, enough)
    return enough
