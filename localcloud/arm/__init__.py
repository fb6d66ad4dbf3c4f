"""Azure Resource Manager for Container Apps on one machine: the part that progressive delivery touches.

Real clients use it without noticing: statuses, headers, envelopes, states and delays are those that were recorded
or observed on Azure. What it does not know it refuses: 501 `NotSupportedByLocalCloud`, naming verb and resource.

`Arm.control()` is the control plane, JSON over HTTP, by convention mounted at /_control/arm:

POST /trouble {"kind", "times": 1, "method": "", "path": "", "seconds": 1}
    The next `times` requests with this method (blank: any) and this part of the path (blank: any) meet trouble.
    kind: conflict (409 ContainerAppOperationInProgress), locked (409 ContainerAppLockConflict, bare envelope),
    throttled (429, Retry-After: seconds), error (500, nothing done), lost (500, accepted all the same), cut (accepted,
    then the connection is cut), hang (no answer, nothing done), held (no answer; lands when released), slow (its
    operation takes `seconds` more; over 15 minutes it expires), fail (its operation ends as Failed).
GET /trouble; DELETE /trouble
    Every order with its hits; no more trouble, what is held never lands, metrics and revisions as they are.
GET /held; POST /release {"id"}
    Requests that wait; let one (or all, in their order) land once no operation of the app runs.
GET /clock; POST /clock {"advance": seconds}
    The local cloud's time; skip some.
POST /metrics {"delay": seconds}
    How late request counts appear.
POST /revisions/{revision} {"healthState": …, …}
    Members of the revision's `properties` that hide the true ones, {} for none.
GET /log?method=&path=; DELETE /log
    Every request: method, path, at, keys (dotted names of what its body sets), status (0: not answered), trouble.
GET /writes?app=
    How many writes an app (blank: all) was sent, by method and in total, whatever was answered.
"""

from __future__ import annotations

from localcloud.arm.service import Arm

__all__ = ["Arm"]
