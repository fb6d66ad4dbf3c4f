"""The control plane: what a test or a person does to this Azure that no client of Azure could.

JSON over HTTP on one address; `GET /` lists every order, `docs/control-plane.md` shows them.
"""

from __future__ import annotations

from localcloud.control.cloud import Controlled, control_app

__all__ = ["Controlled", "control_app"]
