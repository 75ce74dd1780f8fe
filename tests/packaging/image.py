"""Proves of the image what can be proved without a container engine.

The Dockerfile's build stage is carried out as it stands (its COPY, ENV and RUN lines, in a folder of its own), which
leaves the folder `root`: what the last stage copies, and so all that the image holds. Then the daemon is started in it.
"""

import gzip
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
WORK = PROJECT / "target" / "image"
ROOT = WORK / "root"
LIMIT = 10_000_000  # compressed, as a registry stores it
HOLDS = ["etc", "etc/group", "etc/passwd", "etc/ssl", "etc/ssl/certs", "etc/ssl/certs/ca-certificates.crt",
         "ld-dynamodb-relay"]


def stages():
    """The Dockerfile's instructions, by the name of their stage."""
    found = {}
    text = re.sub(r"(?m)^\s*#.*\n", "", (PROJECT / "Dockerfile").read_text())
    for line in re.sub(r"\\\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = current = [("FROM", base)]
        elif word:
            current.append((word, rest.strip()))
    return found


def copied(instructions):
    """The files that COPY lines take from the project."""
    sources = [source for word, rest in instructions if word == "COPY" for source in rest.split()[:-1]]
    return [file for source in sources
            for file in (sorted((PROJECT / source).rglob("*")) if (PROJECT / source).is_dir() else [PROJECT / source])
            if file.is_file()]


def digest(instructions):
    """Changes when the image would: with the instructions, the files they take, and the compiler."""
    sha = hashlib.sha256(repr(instructions).encode())
    sha.update(subprocess.check_output(["rustc", "-vV"], cwd=PROJECT))
    for file in copied(instructions):
        sha.update(f"{file.relative_to(PROJECT)}\0".encode() + file.read_bytes())
    return sha.hexdigest()


def build(instructions):
    """Carries the build stage out, unless `root` is what it would make."""
    stamp, wanted = WORK / "made-from", digest(instructions)
    if stamp.exists() and stamp.read_text() == wanted and ROOT.exists():
        return
    WORK.mkdir(parents=True, exist_ok=True)
    for leftover in WORK.iterdir():  # all but what cargo has built already
        if leftover.name != "target":
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CARGO_BUILD", "CARGO_TARGET"))}
    for word, rest in instructions:
        if word == "ENV":
            name, _, value = rest.partition("=")
            environment[name] = value.strip('"')
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                if (PROJECT / source).is_dir():
                    shutil.copytree(PROJECT / source, WORK / target, dirs_exist_ok=True)
                else:
                    if target.endswith("/"):
                        (WORK / target).mkdir(parents=True, exist_ok=True)
                    shutil.copy2(PROJECT / source, WORK / target)
        elif word == "RUN":
            print("RUN", rest, flush=True)
            subprocess.run(["/bin/sh", "-c", rest], cwd=WORK, env=environment, check=True)
        elif word not in ("FROM", "WORKDIR"):
            raise SystemExit(f"Dockerfile, stage build: teach {__file__} what {word} does")
    stamp.write_text(wanted)


# What a container engine adds to the image when it starts it; the rest is read-only, the network is down, and the user
# is the image's.
START = """
cp -a "$1/." "$2" && mkdir -p "$2/dev" && touch "$2/dev/null" "$2/dev/random" "$2/dev/urandom" "$2/etc/hosts" "$2/etc/resolv.conf"
echo '127.0.0.1 localhost' > "$2/etc/hosts"
mount --bind "$2" "$2"
mount -o remount,bind,ro "$2"
for node in null random urandom; do mount --bind "/dev/$node" "$2/dev/$node"; done
root=$2 user=$3
shift 3
exec unshare --user --map-user="$user" --map-group="$user" --root="$root" --wd=/ "$@"
"""
NAMESPACES = ["unshare", "--user", "--map-root-user", "--mount", "--net"]


def may_chroot():
    """Whether a user namespace may be made here: root is not needed where it may."""
    try:
        return subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Image(unittest.TestCase):
    """Made once; each promise is a test."""

    @classmethod
    def setUpClass(cls):
        cls.stages = stages()
        build(cls.stages["build"])

    def start(self, *arguments, **environment):
        """Starts the daemon with nothing around it but what the image holds."""
        if not may_chroot():
            advice = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or kernel.unprivileged_userns_clone=1"
            if os.environ.get("CI") == "true":
                self.fail(f"CI must start the image; user namespaces are not permitted here: {advice}")
            subprocess.run(["tests/packaging/skip", self.id(), "user namespaces are not permitted", advice], cwd=PROJECT, check=True)
            self.skipTest("user namespaces are not permitted")
        user = self.last("USER").partition(":")[0]
        with tempfile.TemporaryDirectory() as around:
            return subprocess.run(
                [*NAMESPACES, "sh", "-euc", START, "start", ROOT, around, user, "/ld-dynamodb-relay", *arguments],
                env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, timeout=60, check=False)

    def last(self, word):
        """What the last stage says with this word."""
        return dict(self.stages["relay"])[word]

    def test_last_stage_adds_nothing(self):
        taken = [(word, rest) for word, rest in self.stages["relay"] if word in ("FROM", "COPY", "ADD", "RUN")]
        self.assertEqual(taken, [("FROM", "scratch"), ("COPY", "--from=build /src/root /")])

    def test_holds_the_binary_and_what_it_needs(self):
        self.assertEqual(sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*")), HOLDS)

    def test_ignores_everything_that_is_not_copied(self):
        kept = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        files = [str(file.relative_to(PROJECT)) for file in copied(self.stages["build"])]
        # Each by the line that keeps it, or by itself if none does.
        taken = {next((line for line in kept if f"{file}/".startswith(f"{line}/")), file) for file in files}
        self.assertEqual(kept, taken)

    def test_user_is_nobody_else(self):
        user = self.last("USER").partition(":")[0]
        self.assertTrue(user.isdigit() and int(user) > 1000, "Kubernetes' runAsNonRoot wants a number")
        self.assertIn(f":x:{user}:", (ROOT / "etc/passwd").read_text())

    def test_compiler_is_the_oldest_that_is_promised(self):
        promised = re.search(r'(?m)^rust-version = "([0-9.]+)"', (PROJECT / "Cargo.toml").read_text()).group(1)
        self.assertEqual(self.stages["build"][0][1], f"rust:{promised}-bookworm")

    def test_compressed_size(self):
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6) as packed, tarfile.open(fileobj=packed, mode="w") as layer:
            layer.add(ROOT, arcname=".")
        size = len(buffer.getvalue())
        print(f"image: {size / 1e6:.1f} MB compressed, {(ROOT / 'ld-dynamodb-relay').stat().st_size / 1e6:.1f} MB the binary")
        self.assertLessEqual(size, LIMIT)

    def test_says_its_version(self):
        version = re.search(r'(?m)^version = "([^"]+)"', (PROJECT / "Cargo.toml").read_text()).group(1)
        ended = self.start("--version")
        self.assertEqual((ended.returncode, ended.stdout.strip()), (0, f"ld-dynamodb-relay {version}"), ended.stderr)

    def test_understands_its_settings(self):
        ended = self.start("config", LD_ENV_production="sdk-00000000-0000-0000-0000-00000000abcd", DYNAMODB_TABLE="flags")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("production", ended.stdout)
        self.assertNotIn("sdk-00000000", ended.stdout + ended.stderr)

    def test_refuses_to_run_without_an_environment(self):
        arguments = re.findall(r'"([^"]*)"', self.last("CMD"))
        ended = self.start(*arguments)
        self.assertEqual(ended.returncode, 2, ended.stderr)

    def test_health_check_fails_when_nothing_runs(self):
        program, *arguments = re.findall(r'"([^"]*)"', self.last("HEALTHCHECK"))
        self.assertEqual(program, "/ld-dynamodb-relay")
        ended = self.start(*arguments)
        self.assertEqual(ended.returncode, 1, ended.stderr)


if __name__ == "__main__":
    unittest.main()
