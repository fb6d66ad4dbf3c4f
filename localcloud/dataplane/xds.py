"""Envoy's configuration as values: the bootstrap it starts with, and what it reads from files while it runs."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING

from localcloud.dataplane.paths import rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from localcloud.dataplane.model import Routes
    from localcloud.dataplane.paths import Rule

ROUTES = "ingress"
"""Name of the one route configuration and prefix of its statistics."""

_V3 = "type.googleapis.com/envoy."
_MANAGER = _V3 + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = _V3 + "extensions.filters.http.router.v3.Router"
_TLS = _V3 + "extensions.transport_sockets.tls.v3.DownstreamTlsContext"
_LONGEST = "240s"  # Container Apps ends a request after 240 seconds (learn.microsoft.com, ingress overview)
_MANY = 100_000  # Envoy's own limits (1024 connections) would turn a burst into errors that Azure does not have


def bootstrap(folder: Path, http_port: int, https_port: int, cert: Path, key: Path) -> dict[str, object]:
    """Two listeners on loopback with one route table; port 0 is chosen by the system, the admin's always is."""
    tls = {
        "@type": _TLS,
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [
                {"certificate_chain": {"filename": str(cert)}, "private_key": {"filename": str(key)}},
            ],
        },
    }
    return {
        "node": {"id": "localcloud", "cluster": "localcloud"},
        "admin": {"address": _address(0)},
        "stats_flush_on_admin": True,
        "dynamic_resources": {"cds_config": _file(folder / "cds.json")},
        "static_resources": {
            "listeners": [
                _listener("http", http_port, folder, {}),
                _listener(
                    "https",
                    https_port,
                    folder,
                    {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls}},
                ),
            ]
        },
    }


def clusters(folder: Path, revisions: Iterable[str], version: str) -> str:
    """One cluster per revision, so that Envoy counts per revision.

    Its endpoints have a file of their own: a changed cluster is a new one, and forgets what the old one counted.
    """
    return _response(version, [_cluster(folder, revision) for revision in sorted(revisions)])


def endpoints_file(folder: Path, revision: str) -> Path:
    """Where a revision's cluster finds its endpoints."""
    return folder / f"endpoints-{revision}.json"


def endpoints(revision: str, ports: Sequence[int], version: str) -> str:
    """The replicas of one revision."""
    there = [{"endpoint": {"address": _address(port)}} for port in ports]
    resource: dict[str, object] = {
        "@type": _V3 + "config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": revision,
        "endpoints": [{"lb_endpoints": there}],
    }
    return _response(version, [resource])


def routes(table: Routes, version: str) -> str:
    """One virtual host per host name. No retries: a canary's errors are to be seen."""
    hosts = [
        {"name": host, "domains": [host], "routes": [_route(rule) for rule in rules(way)]}
        for host, way in sorted(table.items(), key=itemgetter(0))
    ]
    resource = {
        "@type": _V3 + "config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "virtual_hosts": hosts,
        "validate_clusters": False,
    }
    return _response(version, [resource])


def _route(rule: Rule) -> dict[str, object]:
    match = {rule.match.value: rule.text, **({} if rule.case_sensitive else {"case_sensitive": False})}
    if not rule.targets:  # an app without an active revision
        return {"match": match, "direct_response": {"status": 404}}
    target: dict[str, object] = {"cluster": rule.targets[0][0]}
    if len(rule.targets) > 1:
        weighted = [{"name": name, "weight": weight} for name, weight in rule.targets]
        target = {"weighted_clusters": {"clusters": weighted}}
    rewrite = {"prefix_rewrite": rule.rewrite} if rule.rewrite else {}
    return {"match": match, "route": {**target, **rewrite, "timeout": _LONGEST}}


def _cluster(folder: Path, revision: str) -> dict[str, object]:
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), _MANY)
    return {
        "@type": _V3 + "config.cluster.v3.Cluster",
        "name": revision,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": _file(endpoints_file(folder, revision))},
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [limits]},
    }


def _listener(name: str, port: int, folder: Path, socket: dict[str, object]) -> dict[str, object]:
    manager = {
        "@type": _MANAGER,
        "stat_prefix": ROUTES,
        "rds": {"route_config_name": ROUTES, "config_source": _file(folder / "rds.json")},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
        "strip_any_host_port": True,
        "use_remote_address": True,
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}], **socket}
    # Without SO_REUSEPORT: with it two Envoys listen on one port, and each takes some of the other's requests.
    return {"name": name, "address": _address(port), "enable_reuse_port": False, "filter_chains": [chain]}


def _file(path: Path) -> dict[str, object]:
    # Without watched_directory: with it a rename of any file in the folder makes Envoy read every file again.
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _response(version: str, resources: list[dict[str, object]]) -> str:
    return json.dumps({"version_info": version, "resources": resources})
