"""What `weighbridge doctor` and `weighbridge adopt` ask of an installation. Every route needs a function key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from delivery.settings import SettingsError
from handlers.api import KEY, answer, app_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`examine`, `examine_app`, and for an open call `doctor_ways` and `doctor_end`."""
    functions = func.Blueprint()
    _calls(functions, ports)

    @functions.function_name("examine")
    @functions.route(route="doctor", methods=["POST"], auth_level=KEY)
    async def examine(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import doctor

        _ = req
        try:
            known = ports()
        except SettingsError as error:
            return await answer(_settings(error))
        return await answer(doctor.examine(known))

    @functions.function_name("examine_app")
    @functions.route(route="doctor/apps/{app}", methods=["GET"], auth_level=KEY)
    async def examine_app(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(_app(ports(), req))

    return functions


def _calls(functions: func.Blueprint, ports: Callable[[], Ports]) -> None:
    @functions.function_name("doctor_ways")
    @functions.route(route="doctor/calls/{call}", methods=["GET"], auth_level=KEY)
    async def doctor_ways(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import doctor_call

        return await answer(doctor_call.ways(ports(), req.route_params["call"]))

    @functions.function_name("doctor_end")
    @functions.route(route="doctor/calls/{call}", methods=["POST"], auth_level=KEY)
    async def doctor_end(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import doctor_call

        return await answer(doctor_call.end_call(ports(), req.route_params["call"]))


async def _settings(error: SettingsError) -> object:
    from delivery import doctor

    return doctor.settings(str(error).splitlines())


async def _app(ports: Ports, req: func.HttpRequest) -> object:
    from delivery import doctor

    return await doctor.one_app(ports, app_of(req, ports.settings))
