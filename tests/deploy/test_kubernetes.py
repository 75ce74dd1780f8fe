"""The manifest for Kubernetes: its schemas, and that its parts belong to each other."""

import unittest

import kubernetes_validate
import yaml

from template import ROOT

VERSION = "1.37"
# The Prometheus operator's own schema is in no package: what is used of it, and of what type it is.
SERVICE_MONITOR = {
    "apiVersion": str, "kind": str, "metadata": {"name": str, "namespace": str},
    "spec": {"selector": {"matchLabels": dict}, "endpoints": [{"port": str, "path": str, "interval": str}]},
}


def misfits(it, shape, place=""):
    """Where it is not of this shape: members that are missing or unknown, and other types."""
    if isinstance(shape, type):
        return [] if isinstance(it, shape) else [place]
    if isinstance(shape, list):
        return [place] if not isinstance(it, list) or not it else [bad for part in it for bad in misfits(part, shape[0], f"{place}[]")]
    if not isinstance(it, dict):
        return [place]
    different = [f"{place}.{name}" for name in set(it) ^ set(shape)]
    return different + [bad for name in set(it) & set(shape) for bad in misfits(it[name], shape[name], f"{place}.{name}")]


class Manifest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        documents = yaml.safe_load_all((ROOT / "deploy/kubernetes/relay.yaml").read_text())
        cls.all = {(it["kind"], it["metadata"]["name"]): it for it in documents}

    def of(self, kind, name="ld-dynamodb-relay"):
        return self.all[kind, name]

    def test_the_schemas_hold(self):
        for (kind, _), it in self.all.items():
            if kind == "ServiceMonitor":
                self.assertEqual(misfits(it, SERVICE_MONITOR), [])
                self.assertEqual(it["apiVersion"], "monitoring.coreos.com/v1")
            else:
                kubernetes_validate.validate(it, VERSION, strict=True)
        kinds = {kind for kind, _ in self.all}
        self.assertEqual(kinds, {"Namespace", "ServiceAccount", "Deployment", "Service", "ServiceMonitor", "PodDisruptionBudget"})

    def test_a_misspelt_field_is_found(self):
        wrong = yaml.safe_load(yaml.safe_dump(self.of("Deployment")))
        wrong["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, VERSION, strict=True)
        monitor = self.of("ServiceMonitor")
        self.assertEqual(misfits({**monitor, "spec": {**monitor["spec"], "endpoint": []}}, SERVICE_MONITOR), [".spec.endpoint"])

    def test_the_parts_find_each_other(self):
        pod = self.of("Deployment")["spec"]["template"]
        labels = pod["metadata"]["labels"]
        (container,) = pod["spec"]["containers"]
        ports = {it["name"]: it["containerPort"] for it in container["ports"]}
        variables = {it["name"]: it["value"] for it in container["env"]}
        self.assertEqual(ports, {"work": int(variables["PORT"]), "admin": int(variables["PROMETHEUS_PORT"])})
        for kind in ("Deployment", "PodDisruptionBudget"):
            self.assertEqual(self.of(kind)["spec"]["selector"]["matchLabels"], labels)
        for name, port in [("ld-dynamodb-relay", "work"), ("ld-dynamodb-relay-admin", "admin")]:
            service = self.of("Service", name)["spec"]
            self.assertEqual((service["selector"], [it["targetPort"] for it in service["ports"]]), (labels, [port]))
        monitor, admin = self.of("ServiceMonitor")["spec"], self.of("Service", "ld-dynamodb-relay-admin")
        self.assertEqual(monitor["selector"]["matchLabels"], admin["metadata"]["labels"])
        self.assertIn(monitor["endpoints"][0]["port"], [it["name"] for it in admin["spec"]["ports"]])
        self.assertEqual(pod["spec"]["serviceAccountName"], self.of("ServiceAccount")["metadata"]["name"])
        probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness")}
        self.assertEqual(probes, {"liveness": {"path": "/livez", "port": "work"}, "readiness": {"path": "/readyz", "port": "work"}})
        self.assertEqual({it["metadata"].get("namespace", "launchdarkly") for it in self.all.values()}, {"launchdarkly"})

    def test_the_pod_is_confined(self):
        pod = self.of("Deployment")["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        self.assertEqual(container["securityContext"], {
            "allowPrivilegeEscalation": False, "privileged": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        })
        context = pod["securityContext"]
        self.assertEqual((context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]), (True, 65532, 65532))
        self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertFalse(pod["automountServiceAccountToken"])
        self.assertFalse(pod.get("hostNetwork") or pod.get("hostPID") or pod.get("hostIPC"))
        self.assertGreater(pod["terminationGracePeriodSeconds"], 20)
        (volume,) = pod["volumes"]
        self.assertEqual(volume["secret"]["defaultMode"], 0o440)
