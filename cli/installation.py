"""What the installation says of one app, for who is about to adopt it: its rights, its registry, its probe."""

from __future__ import annotations

import os

from cli.diagnosis import Diagnosis, State
from cli.preflight import Found, Means
from cli.service import KEY, URL, NotAnswered, Service, answering, named

_MEANS = {State.OK: Means.FINE, State.WARNING: Means.NOTE, State.BROKEN: Means.MEND}


def asked(url: str, app: str) -> list[Found]:
    """As findings. That nobody could be asked is one too, and stops nothing. url: else that of the environment."""
    if not url and not os.environ.get(URL):
        then = f"its rights, registry and probe are not known; set {URL} and {KEY}, or run weighbridge doctor later"
        return [Found(what="installation", means=Means.NOTE, said="was not asked", then=then)]
    try:
        answer = Service.of(url, os.environ).ask(f"doctor/apps/{named(app)}", {})
        with answering("doctor/apps"):
            told = [Diagnosis.of(one) for one in answer["diagnoses"]]  # type: ignore[attr-defined] # `answering`'s
    except NotAnswered as error:
        then = "its rights, registry and probe are not known; weighbridge doctor asks again"
        return [Found(what="installation", means=Means.NOTE, said=f"did not answer: {error}", then=then)]
    return [_found(one) for one in told if not _is_the_mode(one)]


def _is_the_mode(one: Diagnosis) -> bool:
    """That an app is there, and its mode, is seen without the installation."""
    return one.check == "app" and one.state is not State.BROKEN


def _found(one: Diagnosis) -> Found:
    registry = f" {one.subject}" if one.check == "registry" else ""
    then = f"{one.who}: {one.do}" if one.state is not State.OK else ""
    return Found(what=f"{one.check}{registry}", means=_MEANS[one.state], said=one.found, then=then)
