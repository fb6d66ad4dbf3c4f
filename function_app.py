"""Composition: what the use cases ask of the outside, and every trigger. No logic lives here."""

import functools
import os

import azure.functions as func

from delivery import settings
from delivery.ports import Ports
from handlers import api, events, queues, timers


@functools.cache
def ports() -> Ports:
    """Built at the first event, so that a cold start pays only for what it uses."""
    from cloud.arm import Arm  # noqa: PLC0415 - see above, as the imports below
    from cloud.container_apps import ContainerApps  # noqa: PLC0415
    from cloud.identity import Identity  # noqa: PLC0415
    from cloud.monitor import Monitor  # noqa: PLC0415
    from cloud.probe import Probe  # noqa: PLC0415
    from cloud.queues import StorageQueue  # noqa: PLC0415
    from cloud.registry import ContainerRegistry  # noqa: PLC0415
    from cloud.tables import TableRows  # noqa: PLC0415
    from delivery.clock import SystemClock  # noqa: PLC0415
    from notify.channels import channels  # noqa: PLC0415
    from notify.connection import Connection  # noqa: PLC0415

    known = settings.read(os.environ)
    identity, clock = Identity(known.identity), SystemClock()
    arm = Arm(known, identity.credential)
    return Ports(
        rows=TableRows(known, identity),
        queue=StorageQueue(known, identity),
        apps=ContainerApps(arm, clock),
        metrics=Monitor(arm),
        prober=Probe(known, clock),
        registry=ContainerRegistry(known, identity.credential),
        channels=channels(Connection(ca_file=known.ca_file), clock, identity.credential),
        clock=clock,
        settings=known,
        secrets=os.environ,
    )


app = func.FunctionApp()
for blueprint in (events.blueprint, queues.blueprint, timers.blueprint, api.blueprint):
    app.register_functions(blueprint(ports))
