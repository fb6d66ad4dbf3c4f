"""The registry of the public samples that tutorials begin with: a stand-in for each of them, and nothing else."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from localcloud.images import MANIFEST, Image, build

HOST = "mcr.microsoft.com"
REPOSITORIES = ("k8se/quickstart", "azuredocs/containerapps-helloworld", "azuredocs/aci-helloworld")
_PROGRAM = Path(__file__).with_name("stand_in.py")


def stand_in(repository: str) -> Image:
    """What runs in place of one of them."""
    return build(
        {"/app/stand_in.py": _PROGRAM.read_bytes()},
        entrypoint=("python3", "/app/stand_in.py"),
        env={"STANDS_FOR": f"{HOST}/{repository}"},
    )


def app() -> web.Application:
    """Pulls, of any tag."""
    images = {repository: stand_in(repository) for repository in REPOSITORIES}

    async def manifest(request: web.Request) -> web.Response:
        image, reference = images.get(request.match_info["name"]), request.match_info["reference"]
        if image is None or (reference.startswith("sha256:") and reference != image.digest):
            return _unknown("MANIFEST_UNKNOWN")
        return web.Response(body=image.manifest, headers={"Docker-Content-Digest": image.digest}, content_type=MANIFEST)

    async def blob(request: web.Request) -> web.Response:
        image = images.get(request.match_info["name"])
        found = image.blobs.get(request.match_info["digest"]) if image else None
        return _unknown("BLOB_UNKNOWN") if found is None else web.Response(body=found)

    application = web.Application()
    application.router.add_get("/v2/{name:.+}/manifests/{reference}", manifest)
    application.router.add_get("/v2/{name:.+}/blobs/{digest}", blob)
    return application


def _unknown(code: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": "this registry has stand-ins only"}]}, status=404)
