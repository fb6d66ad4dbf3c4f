"""Composition: what the use cases ask of the outside, and every trigger. No logic lives here."""

import functools
import logging
import os

import azure.functions as func

from delivery import settings
from delivery.ports import Ports
from handlers import acr_webhook, answers, api, doctor, events, queues, timers, told


@functools.cache
def ports() -> Ports:
    """Built at the first event, so that a cold start pays only for what it uses."""
    from cloud.arm import Arm
    from cloud.container_apps import ContainerApps
    from cloud.identity import Identity
    from cloud.logs import Logs
    from cloud.monitor import Monitor
    from cloud.probe import Probe
    from cloud.queues import StorageQueue
    from cloud.registry import ContainerRegistry
    from cloud.resource_graph import ResourceGraph
    from cloud.rights import Rights
    from cloud.tables import TableRows
    from delivery.clock import SystemClock
    from notify.channels import channels
    from notify.connection import Connection

    known = settings.read(os.environ)
    identity, clock = Identity(known.identity), SystemClock()
    arm = Arm(known, identity.credential)
    return Ports(
        rows=TableRows(known, identity),
        queue=StorageQueue(known, identity),
        apps=ContainerApps(arm, clock),
        rights=Rights(arm),
        metrics=Monitor(arm),
        queries=Logs(known, identity.credential),
        prober=Probe(known, clock),
        registry=ContainerRegistry(known, identity.credential),
        assessments=ResourceGraph(arm, known.defender),
        channels=channels(Connection(ca_file=known.ca_file), clock, identity.credential),
        clock=clock,
        settings=known,
        secrets=os.environ,
    )


logging.getLogger("azure").setLevel(logging.WARNING)  # the SDKs log every request, with its headers, at INFO

for problem in settings.problems(os.environ):
    logging.getLogger("weighbridge.settings").error("%s", problem)

app = func.FunctionApp()
for trigger in (events, acr_webhook, queues, timers, api, answers, told, doctor):
    app.register_functions(trigger.blueprint(ports))
