"""`make package`: what is in the archives, for which machine, and what is said where one cannot be built."""

import os
import platform
import subprocess
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target/lambda"
# What an ELF file says of its machine.
MACHINES = {"amd64": 62, "arm64": 183}


def package(*languages, **variables):
    return subprocess.run(
        [ROOT / "examples/lambda/package", *languages], env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )


class Package(unittest.TestCase):
    def built(self, language, **variables):
        ended = package(language, **variables)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn(f"target/lambda/{language}.zip: ", ended.stdout)
        return zipfile.ZipFile(OUT / f"{language}.zip")

    def test_go_is_a_program_for_either_machine(self):
        for arch, machine in MACHINES.items():
            with self.built("go", ARCH=arch) as archive:
                self.assertEqual(archive.namelist(), ["bootstrap"])
                (program,) = archive.infolist()
                self.assertEqual(program.external_attr >> 16 & 0o111, 0o111)
                head = archive.read(program)[:20]
                self.assertEqual(head[:4], b"\x7fELF")
                self.assertEqual(int.from_bytes(head[18:20], "little"), machine)

    def test_python_and_node_bring_what_they_import(self):
        for language, expected in [
            ("python", ["handler.py", "ldclient/__init__.py", "boto3/__init__.py"]),
            ("node", ["handler.js", "node_modules/launchdarkly-node-server-sdk/package.json", "node_modules/aws-sdk/package.json"]),
        ]:
            with self.built(language) as archive:
                names = set(archive.namelist())
                self.assertLessEqual(set(expected), names)
                # What was compiled for one machine would not run on the other.
                self.assertEqual([it for it in names if it.endswith((".so", ".node"))], [])

    def test_what_cannot_be_built_says_what_to_do(self):
        other = "amd64" if platform.machine() in ("aarch64", "arm64") else "arm64"
        targets = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
        machine = {"amd64": "x86_64", "arm64": "aarch64"}[other]
        if not Path(targets, "lib/rustlib", f"{machine}-unknown-linux-gnu", "lib").is_dir():
            ended = package("rust", ARCH=other)
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn(f"run 'rustup target add {machine}-unknown-linux-gnu'", ended.stderr)
        for arguments, variables, said in [
            (["cobol"], {}, "there is no cobol: rust, python, node, go"),
            (["go"], {"ARCH": "sparc"}, "ARCH is arm64 or amd64, not sparc"),
        ]:
            ended = package(*arguments, **variables)
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn(said, ended.stderr)


if __name__ == "__main__":
    unittest.main()
