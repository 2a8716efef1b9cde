"""Starting and stopping what is measured. Everything stays on 127.0.0.1 and below build/bench."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness import machine

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
HAAT = Path(os.environ.get("BENCH_HAAT", ROOT / "build" / "release" / "haat"))
POSTGRES = Path("/usr/lib/postgresql/15/bin")

# Raised, not off: the limits are counted for every request.
MANY = "1000000000/1s"
RATES = {
    f"HAAT_RATE_{name}": MANY
    for name in ("PUBLIC_READ", "SIGNED_IN", "AUTH", "SENSITIVE", "ANONYMOUS_WRITE", "ADMINISTRATOR")
}


class BenchError(Exception):
    """The sentence says what is missing and what to do."""


def built(name):
    """A program of bench/, made if it is not there or not of today; its path."""
    folder = ROOT / "build" / "release"
    done = subprocess.run(
        ["ninja", "-C", str(folder), "--quiet", name], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BenchError(f"{name} cannot be built: {done.stdout[-800:]}")
    return str(folder / name)


def get(port, path, headers=None, timeout=5, method="GET", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Server:
    """A process in a group of its own, its output in a file."""

    def __init__(self, name, command, environment, cwd=ROOT):
        self.name = name
        self.port = machine.free_port()
        log = BUILD / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.started = time.monotonic()
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                [part.format(port=self.port) for part in command],
                cwd=cwd,
                env={**os.environ, **environment, "PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, path, timeout=60):
        """Seconds from the start to the first 200; a server that does not get there is ended."""
        try:
            return self.first_answer(path, timeout)
        except BaseException:
            self.stop()
            raise

    def first_answer(self, path, timeout):
        while True:
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended by itself; {self.log} says why")
            try:
                if get(self.port, path)[0] == 200:
                    return time.monotonic() - self.started
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() - self.started > timeout:
                raise BenchError(f"{self.name} did not answer {path} in {timeout} s; see {self.log}")
            time.sleep(0.002)

    def pids(self):
        return machine.tree(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


class Haat(Server):
    """`database`: the cluster of another haat, to be shared; else it makes its own."""

    def __init__(self, name, data_directory, environment=None, database=None):
        if not HAAT.exists():
            raise BenchError(f"there is no {HAAT}; run: make build")
        self.data_directory = data_directory
        self.shared = database
        urls = {}
        if database:
            urls = {
                "DATABASE_URL": database.url("owner"),
                "DATABASE_REQUEST_URL": database.url("request"),
                "DATABASE_WORKER_URL": database.url("worker"),
            }
        super().__init__(
            name,
            [str(HAAT), "serve"],
            {
                "HAAT_DATA_DIR": str(data_directory),
                "HAAT_DEMO": "1",
                "HAAT_ENV": "development",
                **RATES,
                **urls,
                **(environment or {}),
            },
        )

    def database(self):
        return self.shared or Database.of(self.data_directory)

    def pids(self):
        """Without PostgreSQL, which is counted apart."""
        postmaster = None if self.shared else self.database().postmaster
        return machine.tree(self.process.pid, without=postmaster)

    def sign_in(self):
        """As the demo's owner of a shop: the token, who it is, and for which shop."""
        status, answer = get(
            self.port,
            "/api/v1/auth/login",
            {"Content-Type": "application/json"},
            method="POST",
            body=json.dumps({"email": "owner@haat.test", "password": "Haat-demo-2026"}),
        )
        if status != 200:
            raise BenchError(f"the demo's shop owner cannot sign in: {status} {answer[:300]}")
        data = json.loads(answer)["data"]
        token = data["accessToken"]
        _, shops = get(self.port, "/api/v1/organizations", {"Authorization": f"Bearer {token}"})
        return token, data["user"]["id"], json.loads(shops)["data"][0]["id"]


def remove_data(data_directory):
    """With what a run that was killed has left running in it."""
    try:
        postmaster = Database.of(data_directory).postmaster
        if str(data_directory) in Path(f"/proc/{postmaster}/cmdline").read_text():
            os.kill(postmaster, signal.SIGQUIT)
            time.sleep(1)
    except (OSError, KeyError, IndexError):
        pass  # nothing was there
    shutil.rmtree(data_directory, ignore_errors=True)


class Database:
    """How to reach a private cluster: the facts stand in haat's and PostgreSQL's own files."""

    def __init__(self, postmaster, port, sockets, passwords):
        self.postmaster = postmaster
        self.port = port
        self.sockets = sockets
        self.passwords = passwords

    @staticmethod
    def of(data_directory):
        lines = (data_directory / "cluster").read_text().splitlines()
        facts = dict(line.split("=", 1) for line in lines if "=" in line)
        pid_file = (data_directory / facts["directory"] / "postmaster.pid").read_text().splitlines()
        return Database(int(pid_file[0]), int(pid_file[3]), pid_file[4], facts)

    def url(self, role):
        password = self.passwords[role]
        return f"postgresql://haat_{role}:{password}@/haat?host={self.sockets}&port={self.port}"

    def environment(self, role):
        return {
            "PGHOST": self.sockets,
            "PGPORT": str(self.port),
            "PGUSER": f"haat_{role}",
            "PGPASSWORD": self.passwords[role],
            "PGDATABASE": "haat",
        }

    def run(self, sql, role="admin"):
        """Runs SQL, or a file of it; gives back the rows as text."""
        source = ["-f", str(sql)] if isinstance(sql, Path) else ["-c", sql]
        done = subprocess.run(
            [str(POSTGRES / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", *source],
            env={**os.environ, **self.environment(role)},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise BenchError(f"SQL failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def wait_until_quiet(self, timeout=20):
        """The last requests of a load that has ended may still be written."""
        busy = "select count(*) from pg_stat_activity where xact_start < now() and datname = 'haat'"
        end = time.monotonic() + timeout
        while self.run(busy) != "0":
            if time.monotonic() > end:
                raise BenchError("transactions go on after the load has ended")
            time.sleep(0.05)

    def pids(self):
        return machine.tree(self.postmaster)

    def transactions(self):
        """Finished so far; PostgreSQL's backends tell theirs at most once a second."""
        time.sleep(1.1)
        return int(self.run("select sum(xact_commit) from pg_stat_database"))


def start_node(script, database):
    peers = BUILD / "node"
    install_node_peers(peers)
    shutil.copy(ROOT / "bench" / "peers" / script, peers / script)
    server = Server(
        Path(script).stem,
        ["node", script],
        {**database.environment("request"), "NODE_ENV": "production", "WORKERS": "2"},
        cwd=peers,
    )
    server.wait_until("/brands/" + "1".rjust(32, "0"))
    return server


def install_node_peers(peers):
    peers.mkdir(parents=True, exist_ok=True)
    lock = ROOT / "bench" / "peers" / "package-lock.json"
    installed = peers / "installed-lock.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    print("bench: installing the Node peers", flush=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(lock.parent / name, peers / name)
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=peers,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise BenchError(f"npm ci failed for the Node peers: {done.stderr[-500:]}")
    shutil.copy(lock, installed)


NGINX_CONF = """
daemon off;
worker_processes 2;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {home}/access.log combined buffer=64k flush=1s;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    default_type application/json;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port} reuseport;
        root {home}/files;
    }}
}}
"""


def start_nginx(files):
    """`files`: path to bytes. Debian's nginx with two workers in a directory of its own."""
    home = BUILD / "nginx"
    shutil.rmtree(home, ignore_errors=True)
    for path, content in files.items():
        file = home / "files" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    # Workers run as nobody when the master is root, and must get to the files.
    home.chmod(0o755)
    program = nginx_program()
    port = machine.free_port()
    (home / "nginx.conf").write_text(NGINX_CONF.format(home=home, port=port))
    server = Server("nginx", [program, "-p", str(home), "-c", str(home / "nginx.conf")], {})
    server.port = port
    server.wait_until(next(iter(files)))
    return server


def nginx_program():
    """The installed one, or Debian's package unpacked: installing it would start a service."""
    installed = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if installed:
        return installed
    home = BUILD / "debian"
    program = home / "usr" / "sbin" / "nginx"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run("apt-get download nginx && dpkg-deb -x nginx_*.deb .", shell=True, cwd=home)
        if done.returncode != 0:
            raise BenchError("there is no nginx and it cannot be downloaded; install nginx-light")
    return str(program)
