"""Checks what is deployed: the package for Function Compute in an empty root, the systemd unit, the
Kubernetes manifest, and the word to the service manager.
usage: check.py SOURCE-FOLDER BUILD-FOLDER"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

import yaml

SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:3])
DEPLOY = os.path.join(SOURCE, "doc", "deploy")
SECRET = "deploy-canary-81273645"

IDAAS = {
    "idaasInstanceId": "idaas_x",
    "clientId": "app_x",
    "issuer": "https://x.invalid/api/v2/iauths_system/oauth2",
    "tokenEndpoint": "https://x.invalid/api/v2/iauths_system/oauth2/token",
    "scope": "urn:cloud:idaas:pam|cred_provider:obtain_credential",
    "developerApiEndpoint": "eiam-developerapi.cn-hangzhou.aliyuncs.com",
    "authnConfiguration": {
        "identityType": "CLIENT",
        "authnMethod": "CLIENT_SECRET_BASIC",
        "clientSecretEnvVarName": "IDAAS_CLIENT_SECRET",
    },
}

GUIDE = {
    "IDAAS_CLIENT_SECRET": SECRET,
    "JWKS_ENDPOINT": "https://x.invalid/api/v2/iauths_system/oauth2/jwks",
    "AGENT_AUDIENCE": "agent",
    "AGENT_SCOPE": "agent:use",
    "ACCESS_IDENTITY": "Machine",
    "LLM_API_KEY_IDENTIFIER": "llm",
    "EXTERNAL_SERVER_API_KEY_IDENTIFIER": "amap",
    "EXTERNAL_SERVER_URL": "https://x.invalid/mcp",
    "ENTERPRISE_SERVICE_URL": "https://x.invalid/service",
    "ENTERPRISE_SERVICE_SCOPE": "service|read",
}


def check(condition, what):
    if not condition:
        sys.exit(f"deploy: {what}")
    print(f"ok: {what.splitlines()[0]}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers_health(port, process):
    for _ in range(200):
        if process.poll() is not None:
            return False
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            time.sleep(0.05)
    return False


def glibc_parts():
    """The C library's own files, which every root has."""
    lines = subprocess.run(["ldd", "/bin/ls"], capture_output=True, text=True, check=True).stdout
    loader = re.search(r"(/lib\S*/ld-linux\S+)", lines).group(1)
    folder = os.path.dirname(re.search(r"libc\.so\.6 => (\S+)", lines).group(1))
    names = ["libc.so.6", "libm.so.6", "libresolv.so.2", "libdl.so.2", "libpthread.so.0", "librt.so.1"]
    return loader, [os.path.join(folder, name) for name in names if os.path.exists(os.path.join(folder, name))]


def make_root(root, package):
    """A shell, the C library, /proc and /dev/null, the package: nothing else."""
    loader, parts = glibc_parts()
    for path in [loader, *parts]:
        target = root + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.realpath(path), target)
    for folder in ("bin", "proc", "dev", "tmp"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    shutil.copy("/bin/busybox", os.path.join(root, "bin", "sh"))
    with open(os.path.join(root, "dev", "null"), "w", encoding="ascii"):
        pass
    with zipfile.ZipFile(package) as archive:
        for item in archive.infolist():
            target = archive.extract(item, os.path.join(root, "code"))
            os.chmod(target, item.external_attr >> 16 or 0o755)
    with open(os.path.join(root, "code", "client-config.json"), "w", encoding="utf-8") as file:
        json.dump(IDAAS, file)


def in_root(root, command):
    """Mounts /proc inside a mount namespace of its own, so that nothing stays behind."""
    script = 'mount --bind /proc "$0/proc" && exec chroot "$0" /bin/sh -c "cd /code && $1"'
    flags = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user", "--map-root-user"]
    return ["unshare", *flags, "sh", "-c", script, root, command]


def check_package(work):
    package = os.path.join(work, "sesame.zip")
    made = subprocess.run([os.path.join(DEPLOY, "make-zip.sh"), SOURCE, BUILD, package],
                          capture_output=True, text=True, check=False)
    check(made.returncode == 0, "the package is made" + ("" if made.returncode == 0 else "\n" + made.stderr))
    root = os.path.join(work, "root")
    os.makedirs(root)
    make_root(root, package)

    old = in_root(root, "./bootstrap")
    os.makedirs(os.path.join(root, "fake"))
    with open(os.path.join(root, "fake", "getconf"), "w", encoding="ascii") as file:
        file.write("#!/bin/sh\necho glibc 2.17\n")
    os.chmod(os.path.join(root, "fake", "getconf"), 0o755)
    told = subprocess.run(old, env={"PATH": "/fake:/bin:/usr/bin:/sbin:/usr/sbin"}, capture_output=True, text=True, check=False)
    check(told.returncode == 1 and "this machine has glibc 2.17" in told.stderr and "Debian 12" in told.stderr,
          "an older glibc is named before the program starts\n" + told.stderr)

    port = free_port()
    command = f"exec ./bootstrap --listen 127.0.0.1:{port} -Dcloud_idaas_config_path=classpath:client-config.json"
    process = subprocess.Popen(in_root(root, command), env={**GUIDE, "PATH": "/bin:/usr/bin:/sbin:/usr/sbin"},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    healthy = answers_health(port, process)
    process.send_signal(signal.SIGTERM)
    try:
        output = process.communicate(timeout=20)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        output = process.communicate()[0]
    check(healthy, "the package starts in an empty root and answers /health\n" + output)
    check(process.returncode == 0, "SIGTERM ends it with status 0\n" + output)
    check(SECRET not in output, "the log does not show the client secret")


def check_unit(work):
    unit = os.path.join(work, "sesame.service")
    with open(os.path.join(DEPLOY, "sesame.service"), encoding="utf-8") as file:
        text = file.read()
    with open(unit, "w", encoding="utf-8") as file:
        file.write(text.replace("/usr/bin/sesame", os.path.join(BUILD, "sesame")))
    told = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    check(told.returncode == 0 and told.stderr.strip() == "", "systemd accepts every line of the unit\n" + told.stderr)
    for line in ("Type=notify", "LoadCredential=", "NoNewPrivileges=yes", "MemoryDenyWriteExecute=yes", "LimitCORE=0"):
        check(line in text, f"the unit says {line}")


def check_notify(work):
    """The client secret comes from a file, as LoadCredential gives it."""
    address = os.path.join(work, "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(address)
    manager.settimeout(20)
    with open(os.path.join(work, "secret"), "w", encoding="ascii") as file:
        file.write(SECRET + "\n")
    config = os.path.join(work, "client-config.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump(IDAAS, file)
    env = {name: value for name, value in GUIDE.items() if name != "IDAAS_CLIENT_SECRET"}
    env.update(NOTIFY_SOCKET=address, IDAAS_CLIENT_SECRET_FILE=os.path.join(work, "secret"))
    process = subprocess.Popen([os.path.join(BUILD, "sesame"), "serve", "--listen", f"127.0.0.1:{free_port()}",
                                "--idaas-config", config], env=env, stderr=subprocess.DEVNULL)
    heard = [manager.recv(100)]
    process.send_signal(signal.SIGHUP)
    heard += [manager.recv(100), manager.recv(100)]
    process.send_signal(signal.SIGTERM)
    heard.append(manager.recv(100))
    check([text.split(b"\n")[0] for text in heard] == [b"READY=1", b"RELOADING=1", b"READY=1", b"STOPPING=1"]
          and b"\nMONOTONIC_USEC=" in heard[1], f"the service manager hears {heard}")
    check(process.wait(20) == 0, "and the service ends with status 0")


def at(document, path):
    for part in path.split("."):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def check_kubernetes():
    with open(os.path.join(DEPLOY, "kubernetes.yaml"), encoding="utf-8") as file:
        documents = {document["kind"]: document for document in yaml.safe_load_all(file)}
    pod = "spec.template.spec."
    expected = [
        ("Deployment", pod + "serviceAccountName", "sesame"),
        ("Deployment", "spec.template.metadata.labels.pod-identity_injection", "on"),
        ("Deployment", pod + "containers.0.ports.0.containerPort", 9002),
        ("Deployment", pod + "containers.0.readinessProbe.httpGet.path", "/ready"),
        ("Deployment", pod + "containers.0.livenessProbe.httpGet.path", "/health"),
        ("Deployment", pod + "containers.0.securityContext.readOnlyRootFilesystem", True),
        ("Deployment", pod + "containers.0.securityContext.allowPrivilegeEscalation", False),
        ("Deployment", pod + "securityContext.runAsNonRoot", True),
        ("Deployment", pod + "volumes.0.configMap.name", "sesame"),
        ("Service", "spec.ports.0.targetPort", "http"),
    ]
    labels = at(documents["Deployment"], "spec.template.metadata.labels")
    labels["pod-identity_injection"] = labels.get("pod-identity.alibabacloud.com/injection")
    for kind, path, wanted in expected:
        found = at(documents[kind], path)
        check(found == wanted, f"{kind} {path} is {found!r}, wanted {wanted!r}")
    annotations = documents["ServiceAccount"]["metadata"]["annotations"]
    check("pod-identity.alibabacloud.com/role-name" in annotations, "the service account names its RAM role")
    config = json.loads(documents["ConfigMap"]["data"]["client-config.json"])
    check(config["authnConfiguration"]["pluginName"] == "alibabacloudPluginCredentialProvider",
          "the IDaaS file in it is JSON and names the provider")
    names = {item["name"] for item in at(documents["Deployment"], pod + "containers.0.env")}
    check(names >= set(GUIDE) - {"IDAAS_CLIENT_SECRET"}, "it sets the guide's variables")
    check(not any("SECRET" in name or "PRIVATE_KEY" in name for name in names), "and no secret")


def main():
    with tempfile.TemporaryDirectory() as work:
        check_package(work)
        check_unit(work)
        check_notify(work)
    check_kubernetes()


main()
