"""What is asked of the rendered manifests: rules, and beside each the ways of breaking it to which it must object.

It renders nothing and decides nothing: kubernetes.py has the renderings and tries the rules.
"""

import pathlib
import re

import kubernetes_validate
import yaml

# The oldest that has all fields that are used, and the newest that kubernetes-validate knows.
VERSIONS = ["1.27", kubernetes_validate.latest_version()]
CLUSTER_KINDS = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass"}
CLIENT_VARIABLES = {"WATERSHED_URL", "WATERSHED_API_KEY", "WATERSHED_API_KEY_FILE"}
# The longest start that README.md measured: a million services from the log alone.
REPLAY_SECONDS = 22
# What the StatefulSet makes of its template for its only pod.
DATA_CLAIM = "data-watershed-0"
GONE = object()
RULES = []


class Rendering:
    """The objects of one rendering, and the Secret that is made by hand."""

    def __init__(self, objects):
        self.objects = objects

    def of(self, kind):
        return [item for item in self.objects if item["kind"] == kind]

    def one(self, kind, name="watershed"):
        return next(item for item in self.of(kind) if re.fullmatch(f"{name}(-[a-z0-9]{{10}})?", item["metadata"]["name"]))

    def names(self, kind):
        return {item["metadata"]["name"] for item in self.of(kind)}

    def pods(self):
        """Name, labels and specification of what each workload runs."""
        for kind, path in (("StatefulSet", "spec.template"), ("CronJob", JOB + "template"), ("Job", "spec.template")):
            for item in self.of(kind):
                template = at(item, path)
                yield f"{kind} {item['metadata']['name']}", template["metadata"]["labels"], template["spec"]

    def containers(self):
        for owner, _, pod in self.pods():
            for container in pod.get("initContainers", []) + pod["containers"]:
                yield f"{owner}, {container['name']}", container, pod

    def server(self):
        return self.one("StatefulSet")["spec"]["template"]["spec"]

    def settings(self):
        return self.one("ConfigMap")["data"]

    def selected(self, selector):
        """Which workloads have pods with these labels."""
        return [owner for owner, labels, _ in self.pods() if selector.items() <= labels.items()]


def at(item, path, default=None):
    """What stands at a path such as `spec.containers.0.image`."""
    for step in path.split("."):
        try:
            item = item[int(step)] if isinstance(item, list) else item[step]
        except (KeyError, IndexError, TypeError):
            return default
    return item


def rule(*breaks):
    """A rule yields what it objects to; each break is the kind of an object (and its name), a path and another value."""

    def register(check):
        assert breaks, f"{check.__name__} is not shown to object to anything"
        RULES.append((check, breaks))
        return check

    return register


def alerts():
    return pathlib.Path("k8s/observability/alerts.yaml").read_text(encoding="utf-8")


POD = "spec.template.spec."
CONTAINER = POD + "containers.0."
JOB = "spec.jobTemplate.spec."


@rule(
    ("StatefulSet", "spec.replicas", "one"),
    ("StatefulSet", POD + "restartPolicyy", "Always"),
    ("CronJob", "spec.schedule", GONE),
    ("NetworkPolicy", "spec.podSelector", []),
)
def fits_the_schemas(rendering):
    for item in rendering.objects:
        if item["apiVersion"].startswith("monitoring.coreos.com/"):
            continue  # kinds of an operator, which has_the_operators_fields looks at
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(step) for step in error.path)
                yield f"{item['kind']} {item['metadata']['name']}, Kubernetes {version}, {where}: {error.message[:200]}"


@rule(
    ("ServiceMonitor", "spec.selectors", {}),
    ("ServiceMonitor", "spec.endpoints.0.path", "/metrics"),
    ("ServiceMonitor", "spec.endpoints.0.port", "web"),
    ("ServiceMonitor", "spec.selector.matchLabels", {"app.kubernetes.io/name": "watershed"}),
    ("ServiceMonitor", "spec.jobLabel", "app"),
    ("PrometheusRule", "spec.groups.0.rules.0.expr", GONE),
    ("PrometheusRule", "spec.groups.0.rules.0.annotation", {}),
    ("PrometheusRule", "spec.groups.0.rules.0.labels.severity", GONE),
    ("PrometheusRule", "spec.rules", []),
)
def has_the_operators_fields(rendering):
    monitor = rendering.one("ServiceMonitor")["spec"]
    if set(monitor) != {"jobLabel", "selector", "endpoints"} or len(monitor["endpoints"]) != 1:
        yield f"ServiceMonitor: {sorted(monitor)}"
    endpoint = monitor["endpoints"][0]
    if not {"port", "path"} <= set(endpoint) <= {"port", "path", "interval", "scrapeTimeout"}:
        yield f"ServiceMonitor: {sorted(endpoint)}"
    if endpoint["path"] != "/api/v1/metrics":
        yield "ServiceMonitor: another path than that of the metrics"
    labels = monitor["selector"]["matchLabels"].items()
    found = [item for item in rendering.of("Service") if labels <= item["metadata"]["labels"].items()]
    if len(found) != 1:
        yield f"ServiceMonitor: {len(found)} Services are selected, so the pod is scraped as often"
    for service in found:
        if endpoint["port"] not in {port["name"] for port in service["spec"]["ports"]}:
            yield "ServiceMonitor: the Service has no such port"
        if service["metadata"]["labels"].get(monitor["jobLabel"]) != "watershed":
            yield "ServiceMonitor: the rules ask for the job watershed"
    rules = rendering.one("PrometheusRule")["spec"]
    if set(rules) != {"groups"}:
        yield f"PrometheusRule: {sorted(rules)}"
    for alert in (alert for group in rules["groups"] for alert in group["rules"]):
        if not {"alert", "expr", "labels", "annotations"} <= set(alert) <= {"alert", "expr", "for", "labels", "annotations"}:
            yield f"PrometheusRule: {alert.get('alert')} has {sorted(alert)}"
        if at(alert, "labels.severity") not in ("critical", "warning"):
            yield f"PrometheusRule: {alert.get('alert')} has no severity"


@rule(
    ("PrometheusRule", "spec.groups.0.rules.0.for", "3m"),
    ("PrometheusRule", "spec.groups.1", GONE),
)
def has_the_tested_alerts(rendering):
    if rendering.one("PrometheusRule")["spec"]["groups"] != yaml.safe_load(alerts())["groups"]:
        yield "PrometheusRule: not the groups of alerts.yaml; --rule writes the file anew"


@rule(("PrometheusRule", "spec.groups.0.rules.0.annotations.runbook", "RUNBOOK.md#down"))
def leads_to_the_runbook(rendering):
    runbook = pathlib.Path("RUNBOOK.md")
    headings = re.findall(r"^## (.+)$", runbook.read_text(encoding="utf-8"), re.MULTILINE) if runbook.exists() else []
    anchors = {None, "RUNBOOK.md"} | {"RUNBOOK.md#" + heading.lower().replace(" ", "-") for heading in headings}
    for group in rendering.one("PrometheusRule")["spec"]["groups"]:
        for alert in group["rules"]:
            if alert["annotations"].get("runbook") not in anchors:
                yield f"{alert['alert']}: there is no {alert['annotations']['runbook']}"


@rule(
    ("ConfigMap", "metadata.namespace", GONE),
    ("PriorityClass", "metadata.namespace", "watershed"),
    ("Service", "metadata.name", "watershed-headless"),
    ("Namespace", "metadata.labels.pod-security\\.kubernetes\\.io/enforce", "baseline"),
)
def stays_in_one_restricted_namespace(rendering):
    seen = [(item["kind"], item["metadata"]["name"]) for item in rendering.objects]
    yield from (f"{kind} {name} is there twice" for kind, name in set(seen) if seen.count((kind, name)) > 1)
    for item in rendering.objects:
        expected = None if item["kind"] in CLUSTER_KINDS else "watershed"
        if item["metadata"].get("namespace") != expected:
            yield f"{item['kind']} {item['metadata']['name']}: in the namespace {item['metadata'].get('namespace')}"
    for mode in ("enforce", "warn", "audit"):
        if rendering.one("Namespace")["metadata"]["labels"].get(f"pod-security.kubernetes.io/{mode}") != "restricted":
            yield f"Namespace: {mode} is not restricted"


@rule(
    ("StatefulSet", POD + "securityContext.runAsNonRoot", False),
    ("StatefulSet", POD + "securityContext.runAsUser", 0),
    ("StatefulSet", POD + "securityContext.seccompProfile", GONE),
    ("StatefulSet", POD + "hostNetwork", True),
    ("StatefulSet", POD + "volumes", [{"name": "host", "hostPath": {"path": "/"}}]),
    ("StatefulSet", CONTAINER + "securityContext.allowPrivilegeEscalation", True),
    ("StatefulSet", CONTAINER + "securityContext.readOnlyRootFilesystem", GONE),
    ("StatefulSet", CONTAINER + "securityContext.capabilities.drop", []),
    ("StatefulSet", CONTAINER + "securityContext.capabilities.add", ["NET_ADMIN"]),
    ("StatefulSet", CONTAINER + "securityContext.privileged", True),
    ("StatefulSet", CONTAINER + "securityContext.runAsUser", 0),
    ("StatefulSet", CONTAINER + "ports.0.hostPort", 8000),
    ("CronJob", JOB + "template.spec.securityContext", GONE),
    ("CronJob", JOB + "template.spec.initContainers.0.securityContext.readOnlyRootFilesystem", False),
)
def runs_without_rights(rendering):
    for owner, _, pod in rendering.pods():
        context = pod.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) < 1 or context.get("fsGroup", 0) < 1:
            yield f"{owner}: root, or whoever the image says"
        if at(context, "seccompProfile.type") != "RuntimeDefault":
            yield f"{owner}: no seccomp profile"
        yield from (f"{owner}: {field}" for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field))
        for volume in pod.get("volumes", []):
            if not set(volume) <= {"name", "configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected"}:
                yield f"{owner}: the volume {volume}"
    expected = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    for where, container, _ in rendering.containers():
        # Nothing else: what the pod says about users and seccomp is not to be taken back.
        if container.get("securityContext") != expected:
            yield f"{where}: {container.get('securityContext')}; expected {expected}"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{where}: a port of the node"


@rule(
    ("StatefulSet", CONTAINER + "resources", GONE),
    ("StatefulSet", CONTAINER + "resources.limits.memory", GONE),
    ("StatefulSet", CONTAINER + "resources.limits.memory", "64Gi"),
    ("CronJob", JOB + "template.spec.containers.0.resources.requests.cpu", GONE),
)
def asks_for_what_it_needs(rendering):
    for where, container, _ in rendering.containers():
        for part in ("requests", "limits"):
            missing = {"cpu", "memory"} - set(at(container, f"resources.{part}", {}))
            if missing:
                yield f"{where}: no {part} of {sorted(missing)}"
    memory = [at(rendering.server(), f"containers.0.resources.{part}.memory") for part in ("requests", "limits")]
    if memory[0] != memory[1]:
        yield f"the server may use memory that it was not promised: {memory}"


@rule(
    ("StatefulSet", CONTAINER + "image", "ghcr.io/example/watershed:latest"),
    ("StatefulSet", CONTAINER + "image", "ghcr.io/example/watershed"),
    ("CronJob", JOB + "template.spec.initContainers.0.image", "ghcr.io/example/watershed:0.0.9"),
    ("Job", CONTAINER + "image", "ghcr.io/example/watershed:0.0.9"),
)
def runs_this_version(rendering):
    cargo = pathlib.Path("Cargo.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"$', cargo, re.MULTILINE).group(1)
    for where, container, _ in rendering.containers():
        if not container["image"].endswith(f"/watershed:{version}"):
            yield f"{where}: {container['image']}; this is version {version}"


@rule(
    ("StatefulSet", CONTAINER + "startupProbe", GONE),
    ("StatefulSet", CONTAINER + "startupProbe.failureThreshold", 30),
    ("StatefulSet", CONTAINER + "startupProbe.httpGet.path", "/api/v1/health/ready"),
    ("StatefulSet", CONTAINER + "livenessProbe.httpGet.path", "/api/v1/health/ready"),
    ("StatefulSet", CONTAINER + "livenessProbe.failureThreshold", 1),
    ("StatefulSet", CONTAINER + "readinessProbe.httpGet.port", "web"),
    ("StatefulSet", CONTAINER + "readinessProbe", GONE),
)
def is_probed(rendering):
    container = rendering.server()["containers"][0]
    for probe, path in (("startup", ""), ("liveness", ""), ("readiness", "/ready")):
        asked = at(container, f"{probe}Probe.httpGet")
        if asked != {"path": "/api/v1/health" + path, "port": "http"}:
            yield f"{probe}: {asked}"
    seconds = {name: at(container, f"{name}Probe.periodSeconds", 10) * at(container, f"{name}Probe.failureThreshold", 3)
               for name in ("startup", "liveness")}
    if seconds["startup"] < 10 * REPLAY_SECONDS:
        yield f"a start may take {seconds['startup']} s; {REPLAY_SECONDS} s were measured, and a slow disk takes ten times that"
    if seconds["liveness"] < 30:
        yield f"it is killed when it does not answer for {seconds['liveness']} s"


@rule(
    ("StatefulSet", CONTAINER + "envFrom.0.configMapRef.name", "settings"),
    ("StatefulSet", CONTAINER + "env.0.valueFrom.secretKeyRef.name", "secrets"),
    ("StatefulSet", CONTAINER + "env.0.valueFrom.secretKeyRef.key", "admin-key"),
    ("StatefulSet", CONTAINER + "env.1.valueFrom.secretKeyRef.key", "database"),
    ("StatefulSet", CONTAINER + "env.0", {"name": "ADMIN_API_KEY", "value": "0123456789abcdef0123456789abcdef"}),
    ("StatefulSet", CONTAINER + "volumeMounts.0.name", "disk"),
    ("StatefulSet", POD + "serviceAccountName", "other"),
    ("StatefulSet", POD + "priorityClassName", "high"),
    ("StatefulSet", "spec.serviceName", "watershed-peers"),
    ("Service", "spec.ports.0.targetPort", "web"),
    ("CronJob", JOB + "template.spec.volumes.0.persistentVolumeClaim.claimName", "backup"),
    ("CronJob", JOB + "template.spec.containers.0.env.0.value", "http://server:8000"),
    ("Job", CONTAINER + "envFrom.0.configMapRef.name", "watershed-restores"),
    ("Job", POD + "volumes.0.persistentVolumeClaim.claimName", "data-watershed-1"),
)
def refers_to_what_is_there(rendering):
    secrets = {item["metadata"]["name"]: set(item["data"]) for item in rendering.of("Secret")}
    for where, container, pod in rendering.containers():
        for source in container.get("envFrom", []):
            if at(source, "configMapRef.name") not in rendering.names("ConfigMap"):
                yield f"{where}: there is no {source}"
        for variable in container.get("env", []):
            key = at(variable, "valueFrom.secretKeyRef")
            if variable["name"].endswith(("_KEY", "_TOKEN", "_AUTH")) and not key:
                yield f"{where}: {variable['name']} is written down"
            if key and key.get("optional") and key["key"] != variable["name"].lower().replace("_", "-"):
                yield f"{where}: {variable['name']} is not the key {key['key']}"
            if key and (key["name"] not in secrets or not key.get("optional") and key["key"] not in secrets[key["name"]]):
                yield f"{where}: no command makes {key}"
            if variable["name"] == "WATERSHED_URL":
                ports = {f"http://{item['metadata']['name']}:{item['spec']['ports'][0]['port']}" for item in rendering.of("Service")}
                if variable["value"] not in ports:
                    yield f"{where}: there is no {variable['value']}"
        templates = rendering.one("StatefulSet")["spec"]["volumeClaimTemplates"] if pod is rendering.server() else []
        volumes = {item["name"] for item in pod.get("volumes", [])} | {item["metadata"]["name"] for item in templates}
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{where}: there is no volume {mount['name']}"
    for owner, _, pod in rendering.pods():
        if pod["serviceAccountName"] not in rendering.names("ServiceAccount"):
            yield f"{owner}: there is no service account {pod['serviceAccountName']}"
        if pod.get("priorityClassName") not in rendering.names("PriorityClass") | {None}:
            yield f"{owner}: there is no priority class {pod['priorityClassName']}"
        for volume in pod.get("volumes", []):
            if at(volume, "persistentVolumeClaim.claimName") not in rendering.names("PersistentVolumeClaim") | {DATA_CLAIM}:
                yield f"{owner}: there is no claim for {volume}"
    services = {item["metadata"]["name"]: item["spec"] for item in rendering.of("Service")}
    if at(services.get(rendering.one("StatefulSet")["spec"]["serviceName"], {}), "clusterIP") != "None":
        yield "the StatefulSet has no headless Service"
    ports = {port["name"]: port["containerPort"] for port in rendering.server()["containers"][0]["ports"]}
    if ports != {"http": int(rendering.settings()["API_PORT"])}:
        yield f"it listens on {rendering.settings()['API_PORT']} and not on {ports}"
    yield from (f"Service {name}: no such port of the pod" for name, service in services.items()
                if any(port["targetPort"] not in ports for port in service["ports"]))


@rule(
    ("StatefulSet", "spec.selector.matchLabels", {"app": "watershed"}),
    ("StatefulSet", "spec.template.metadata.labels", {"app": "watershed"}),
    ("Service", "spec.selector", {"app.kubernetes.io/name": "watershed"}),
    ("Service", "spec.publishNotReadyAddresses", GONE),
    ("PodDisruptionBudget", "spec.selector.matchLabels", {"app": "watershed"}),
)
def selects_the_pods(rendering):
    owners = ["StatefulSet watershed"]
    if rendering.selected(rendering.one("StatefulSet")["spec"]["selector"]["matchLabels"]) != owners:
        yield "StatefulSet: does not select its pods, or others"
    for service in rendering.of("Service"):
        if rendering.selected(service["spec"]["selector"]) != owners:
            yield f"Service {service['metadata']['name']}: selects {rendering.selected(service['spec']['selector'])}"
        if not service["spec"].get("publishNotReadyAddresses"):
            yield f"Service {service['metadata']['name']}: with a full disk nobody would be there for reads"
    if rendering.selected(rendering.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]) != owners:
        yield "PodDisruptionBudget: does not select the server's pod"


@rule(
    ("NetworkPolicy default-deny", "spec.policyTypes", ["Ingress"]),
    ("NetworkPolicy default-deny", "spec.podSelector", {"matchLabels": {"a": "b"}}),
    ("NetworkPolicy default-deny", "spec.ingress", [{}]),
    ("NetworkPolicy watershed", "spec.podSelector.matchLabels", {"app": "watershed"}),
    ("NetworkPolicy watershed", "spec.ingress.0.from", GONE),
    ("NetworkPolicy watershed", "spec.ingress.0.ports", GONE),
    ("NetworkPolicy watershed", "spec.ingress.0.from.2.podSelector.matchLabels", {"app": "backup"}),
    ("NetworkPolicy watershed", "spec.egress.0.to", GONE),
    ("NetworkPolicy watershed", "spec.egress.2.ports.0", GONE),
    ("NetworkPolicy watershed", "spec.egress.1", {}),
    ("NetworkPolicy watershed-backup", "spec.egress.1.to", [{"podSelector": {"matchLabels": {"app": "watershed"}}}]),
    ("NetworkPolicy watershed-backup", "spec.ingress", [{}]),
)
def lets_only_those_in_and_out_that_must(rendering):
    deny = rendering.one("NetworkPolicy", "default-deny")["spec"]
    if deny != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield "default-deny: allows something"
    ports = {}
    for policy in rendering.of("NetworkPolicy"):
        name, spec = policy["metadata"]["name"], policy["spec"]
        if set(spec["policyTypes"]) != {"Ingress", "Egress"}:
            yield f"{name}: one direction is open"
        if name != "default-deny" and len(rendering.selected(at(spec, "podSelector.matchLabels", {}))) != 1:
            yield f"{name}: selects no pods, or all"
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for entry in spec.get(direction, []):
                if not entry.get("ports") or direction == "ingress" and not entry.get("from"):
                    yield f"{name}: {direction} is open to everything"
                for port in entry.get("ports", []):
                    ports.setdefault((name, direction), set()).add((port["port"], peers in entry))
                for peer in entry.get(peers, []):
                    if set(peer) == {"podSelector"} and len(rendering.selected(peer["podSelector"]["matchLabels"])) != 1:
                        yield f"{name}: {peer} is nobody"
    expected = {
        ("watershed", "ingress"): {("http", True)},
        # DNS, Prometheus, traces; and without an address PostgreSQL, Redis and the API server
        ("watershed", "egress"): {(53, True), (9090, True), (4318, True), (5432, False), (6379, False), (443, False), (6443, False)},
        ("watershed-backup", "egress"): {(53, True), ("http", True)},
    }
    if ports != expected:
        yield f"other ports than expected: {ports}"


@rule(
    ("ConfigMap", "data.API_PORTT", "8000"),
    ("ConfigMap", "data.ADMIN_API_KEY", "0123456789abcdef0123456789abcdef"),
    ("ConfigMap", "data.API_HOST", "127.0.0.1"),
    ("StatefulSet", CONTAINER + "env.2.name", "REDIS_URI"),
    ("CronJob", JOB + "template.spec.containers.0.env.1.name", "ADMIN_API_KEY"),
)
def sets_what_there_is_to_set(rendering):
    example = pathlib.Path(".env.example").read_text(encoding="utf-8")
    settings = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))
    secret = {name.removesuffix("_FILE") for name in settings if name.endswith("_FILE")} & settings
    for name in set(rendering.settings()) - (settings - secret):
        yield f"ConfigMap: {name} is no setting, or a secret"
    if rendering.settings()["API_HOST"] != "0.0.0.0":
        yield "ConfigMap: nobody outside of the pod is listened to"
    for where, container, pod in rendering.containers():
        known = settings if pod is rendering.server() else CLIENT_VARIABLES
        yield from (f"{where}: {item['name']} is unknown" for item in container.get("env", []) if item["name"] not in known)


@rule(
    ("StatefulSet", POD + "terminationGracePeriodSeconds", 45),
    ("StatefulSet", POD + "terminationGracePeriodSeconds", GONE),
    ("ConfigMap", "data.SHUTDOWN_GRACE_SECONDS", "100"),
)
def has_time_to_stop(rendering):
    grace = rendering.server().get("terminationGracePeriodSeconds", 30)
    needed = int(rendering.settings()["SHUTDOWN_GRACE_SECONDS"]) + 30
    if grace < needed:
        yield f"{grace} s to stop; the drain and a snapshot may take {needed}"


@rule(
    ("ClusterRole", "rules.0.verbs", ["list", "watch", "update"]),
    ("ClusterRole", "rules.0.resources", ["*"]),
    ("ClusterRole", "rules.0.resources", ["secrets"]),
    ("ClusterRoleBinding", "subjects.0.name", "watershed-backup"),
    ("ClusterRoleBinding", "subjects.0.namespace", "default"),
    ("ClusterRoleBinding", "roleRef.name", "cluster-admin"),
    ("StatefulSet", POD + "automountServiceAccountToken", False),
    ("CronJob", JOB + "template.spec.automountServiceAccountToken", GONE),
)
def may_only_look(rendering):
    for item in rendering.of("ClusterRole") + rendering.of("Role"):
        for granted in item["rules"]:
            if not set(granted["verbs"]) <= {"get", "list", "watch"}:
                yield f"{item['metadata']['name']}: {granted['verbs']}"
            if {"*", "secrets"} & set(granted["resources"]) or "*" in granted["apiGroups"]:
                yield f"{item['metadata']['name']}: {granted['resources']}"
    for item in rendering.of("ClusterRoleBinding") + rendering.of("RoleBinding"):
        if item["roleRef"]["name"] not in rendering.names("ClusterRole"):
            yield f"there is no role {item['roleRef']['name']}"
        if [(at(one, "name"), at(one, "namespace")) for one in item["subjects"]] != [("watershed", "watershed")]:
            yield f"somebody else has the rights: {item['subjects']}"
    watches = rendering.settings().get("KUBERNETES_DISCOVERY", "off") == "in-cluster"
    for owner, _, pod in rendering.pods():
        if pod.get("automountServiceAccountToken") is not (watches and pod["serviceAccountName"] == "watershed"):
            yield f"{owner}: has a token that it does not need, or none"


@rule(
    ("StatefulSet", "spec.replicas", 2),
    ("StatefulSet", "spec.volumeClaimTemplates", []),
    ("StatefulSet", CONTAINER + "volumeMounts.0.mountPath", "/data"),
    ("StatefulSet", POD + "volumes", [{"name": "data", "emptyDir": {}}]),
    ("PodDisruptionBudget", "spec.minAvailable", GONE),
    ("Job", CONTAINER + "volumeMounts.0.mountPath", "/data"),
    ("Job", CONTAINER + "args.4", "/var/lib/watershed/data"),
)
def keeps_its_data(rendering):
    spec = rendering.one("StatefulSet")["spec"]
    if spec["replicas"] != 1:
        yield "one process holds a data directory"
    claims = {item["metadata"]["name"] for item in spec["volumeClaimTemplates"]}
    claims -= {volume["name"] for volume in rendering.server().get("volumes", [])}
    kept = [mount["mountPath"] for mount in rendering.server()["containers"][0]["volumeMounts"] if mount["name"] in claims]
    if not any(rendering.settings()["DATA_DIR"].startswith(path + "/") for path in kept):
        yield f"{rendering.settings()['DATA_DIR']} is on no volume"
    for pod in (item["spec"]["template"]["spec"] for item in rendering.of("Job")):
        restored = pod["containers"][0]["args"][-1]
        mounted = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]
                   if any(at(volume, "persistentVolumeClaim.claimName") == DATA_CLAIM and volume["name"] == mount["name"]
                          for volume in pod["volumes"])]
        if mounted != kept or not restored.startswith(kept[0] + "/"):
            yield f"{restored} is restored where the server does not look"
        if restored == rendering.settings()["DATA_DIR"]:
            yield f"{restored} is not empty"
    if "minAvailable" not in rendering.one("PodDisruptionBudget")["spec"]:
        yield "PodDisruptionBudget: says nothing"


@rule(
    ("CronJob", "spec.concurrencyPolicy", "Allow"),
    ("CronJob", "spec.startingDeadlineSeconds", GONE),
    ("CronJob", "spec.failedJobsHistoryLimit", GONE),
    ("CronJob", JOB + "activeDeadlineSeconds", GONE),
    ("CronJob", JOB + "backoffLimit", GONE),
    ("CronJob", JOB + "template.spec.initContainers.0.args", ["snapshot", "list"]),
    ("CronJob", JOB + "template.spec.containers.0.args",
     ["snapshot", "download", "--newest", "--output", "/tmp", "--keep", "30"]),
    ("CronJob", JOB + "template.spec.containers.0.args", ["snapshot", "download", "--newest", "--output", "/backups"]),
    ("CronJob", JOB + "template.spec.volumes.0.persistentVolumeClaim.claimName", DATA_CLAIM),
)
def is_backed_up(rendering):
    spec = rendering.one("CronJob", "watershed-backup")["spec"]
    if spec.get("concurrencyPolicy") != "Forbid":
        yield "two backups may run at once"
    for field in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit",
                  "jobTemplate.spec.activeDeadlineSeconds", "jobTemplate.spec.backoffLimit"):
        if not isinstance(at(spec, field), int):
            yield f"no {field}"
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (first,), (then,) = pod["initContainers"], pod["containers"]
    if first["args"] != ["snapshot", "create"]:
        yield "what is copied is no new snapshot"
    mount = then["volumeMounts"][0]["mountPath"]
    if then["args"] != ["snapshot", "download", "--newest", "--output", mount, "--keep", "30"]:
        yield f"{then['args']}: not onto the volume, or without an end"
    if [at(volume, "persistentVolumeClaim.claimName") for volume in pod["volumes"]] != ["watershed-backups"]:
        yield "the copies are not on a volume of their own"
