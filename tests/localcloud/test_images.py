"""Images are the same bytes on every machine, and what other tools read."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from localcloud import samples
from localcloud.images import Image, PushError, build, push, write_layout
from tests.localcloud.static_registry import REPOSITORY, StaticRegistry

FILES = {"/app/main.py": b"print('hello')\n", "/app/data/a.txt": b"a", "/etc/motd": b""}


def example() -> Image:
    return build(FILES, ("python3", "/app/main.py"), env={"B": "2", "A": "1"}, labels={"y": "2", "x": "1"})


def layer(image: Image) -> bytes:
    digest: str = json.loads(image.manifest)["layers"][0]["digest"]
    return image.blobs[digest]


def sha256(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def test_the_digest_is_this_one_on_every_machine_and_in_every_order() -> None:
    turned = build(
        dict(reversed(FILES.items())),
        ("python3", "/app/main.py"),
        env={"A": "1", "B": "2"},
        labels={"x": "1", "y": "2"},
    )

    assert example().digest == turned.digest
    assert example().digest == "sha256:df8181b996ab3241bb253aeda9e4b7c0556e9f7e5e300edd3ad608486ef7de9e"


def test_another_file_entrypoint_variable_or_label_is_another_image() -> None:
    others = [
        build({**FILES, "/etc/motd": b"hi"}, ("python3", "/app/main.py")),
        build(FILES, ("python3", "/app/main.py")),
        build(FILES, ("python3",)),
        build(FILES, ("python3",), env={"A": "1"}),
        build(FILES, ("python3",), labels={"A": "1"}),
        build(FILES, ("python3",), architecture="arm64"),
    ]

    assert len({image.digest for image in others}) == len(others)


def test_the_manifest_names_its_blobs_by_digest_and_size_and_the_config_its_layer() -> None:
    image = example()
    manifest = json.loads(image.manifest)

    for descriptor in (manifest["config"], *manifest["layers"]):
        blob = image.blobs[descriptor["digest"]]
        assert (descriptor["digest"], descriptor["size"]) == (sha256(blob), len(blob))
    config = json.loads(image.config)
    assert config["rootfs"]["diff_ids"] == [sha256(layer(image))]
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["config"]["Env"] == ["A=1", "B=2"]
    assert config["config"]["Entrypoint"] == ["python3", "/app/main.py"]


def test_the_layer_holds_the_files_below_their_folders_and_nothing_of_this_machine() -> None:
    with tarfile.open(fileobj=io.BytesIO(layer(example()))) as archive:
        members = archive.getmembers()

    assert [member.name for member in members] == [
        "app",
        "app/data",
        "app/data/a.txt",
        "app/main.py",
        "etc",
        "etc/motd",
    ]
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}


def test_a_layout_holds_every_blob_at_its_digest_and_names_the_tag(tmp_path: Path) -> None:
    image = example()
    write_layout(image, tmp_path, "1.0.0")

    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["manifests"][0]["digest"] == image.digest
    assert index["manifests"][0]["annotations"] == {"org.opencontainers.image.ref.name": "1.0.0"}
    stored = {f"sha256:{path.name}": path.read_bytes() for path in (tmp_path / "blobs" / "sha256").iterdir()}
    assert stored == {**image.blobs, image.digest: image.manifest}
    assert all(digest == sha256(blob) for digest, blob in stored.items())


async def test_a_push_puts_every_blob_and_the_manifest_and_sends_no_blob_twice() -> None:
    image = example()
    async with StaticRegistry() as registry:
        assert await push(image, registry.base, REPOSITORY, "1.0.0") == image.digest
        first = dict(registry.things)
        assert await push(image, registry.base, REPOSITORY, "1.0.1") == image.digest

    assert {name: blob for (kind, name), blob in first.items() if kind == "blobs"} == image.blobs
    assert first["manifests", "1.0.0"] == registry.things["manifests", "1.0.1"] == image.manifest


async def test_a_push_that_is_not_taken_says_what_was_answered() -> None:
    async with StaticRegistry() as registry:
        with pytest.raises(PushError, match="expected 202, found 404"):
            await push(example(), registry.base, "no/such", "1.0.0")
        base = registry.base
    with pytest.raises(PushError, match="expected a registry"):
        await push(example(), base, REPOSITORY, "1.0.0")


def test_the_samples_are_five_different_images() -> None:
    images = [samples.good("1"), samples.bad("1"), samples.crash("1"), samples.slow("1"), samples.portmismatch("1")]

    assert len({image.digest for image in images}) == 5


@pytest.mark.parametrize(("share", "failing"), [("0", []), ("0.2", [5, 10, 15, 20]), ("1", list(range(1, 21)))])
def test_the_web_app_fails_evenly_by_its_share(share: str, failing: list[int]) -> None:
    web = Path(samples.__file__).with_name("web.py")
    program = (
        f"import runpy; fails = runpy.run_path({str(web)!r})['fails']; print([n for n in range(1, 21) if fails(n)])"
    )
    said = subprocess.run(
        [sys.executable, "-I", "-c", program], env={"FAIL_SHARE": share}, capture_output=True, text=True, check=True
    )

    assert json.loads(said.stdout) == failing
