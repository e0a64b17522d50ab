"""What can go wrong with forked kernels, and what holds: one test for each hazard."""

import asyncio
import dataclasses
import json
import os
import re
import shutil
import signal
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from jupyter_client.manager import AsyncKernelManager, start_new_kernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError

import cxresearch
from cxresearch.batch import kernels
from cxresearch.batch.kernels import lease, preload, provisioner


def texts(notebook):
    return ["".join(output.get("text", "") for output in cell["outputs"]) for cell in notebook["cells"]]


def alive(pid):
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(true, seconds=30):
    """Wait until something is true, and return the seconds that took."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.02)
    return time.monotonic() - started


def children(pid):
    """All processes that this one started, dead ones that were not reaped included."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def descriptors(pid):
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


WHO = "import os; print(os.getpid(), os.getppid(), sep='\\n', end='')"


# state


def test_kernels_draw_different_numbers(run):
    draw = (
        "import random, uuid\nimport numpy as np\nprint(np.random.random(), random.random(), uuid.uuid4(), sep='\\n')"
    )
    first, second = (texts(run("warm", draw))[0].split() for _ in range(2))
    assert len(first) == 3
    assert not set(first) & set(second)


def test_nothing_done_in_one_kernel_is_seen_in_the_next(run):
    spoil = """
    import atexit, builtins, os, sys, warnings, logging, gc
    import matplotlib.pyplot as plt, numpy as np, pandas as pd, seaborn
    plt.rcParams["figure.dpi"] = 33; plt.figure(); seaborn.set_theme(style="dark")
    pd.options.display.max_rows = 3; np.seterr(all="raise"); builtins.leak = sys.leak = np.leak = 1
    os.environ["LEAK"] = "1"; os.umask(0o77); warnings.simplefilter("error"); gc.disable(); logging.basicConfig(level=1)
    sys.path.append("/leak"); sys.setrecursionlimit(3000); os.nice(1); print("done"); warnings.simplefilter("default")
    """
    look = """
    import builtins, gc, logging, os, sys, warnings
    import matplotlib.pyplot as plt, numpy as np, pandas as pd
    print(plt.rcParams["figure.dpi"], plt.get_fignums(), plt.rcParams["axes.facecolor"], pd.options.display.max_rows,
          np.geterr()["divide"], [hasattr(m, "leak") for m in (builtins, sys, np)], "LEAK" in os.environ,
          gc.isenabled(), logging.root.level, "/leak" in sys.path, sys.getrecursionlimit(), "spoil" in globals())
    """
    before = texts(run("warm", look))
    assert texts(run("warm", spoil)) == ["done\n"]
    assert texts(run("warm", look)) == before


def test_the_inline_backend_is_left_to_the_kernel(run):
    seen = run("warm", "import sys; print('pandas' in sys.modules, 'matplotlib_inline.backend_inline' in sys.modules)")
    assert texts(seen) == ["True False\n"]


OPENMP = """
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
cell = '''
import os, sys
print("sklearn.ensemble" in sys.modules, os.environ.get("OMP_NUM_THREADS"))
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
x = np.random.default_rng(0).normal(size=(20000, 5))
print(HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(x, x[:, 0]).score(x, x[:, 0]) > 0.9)
print(np.linalg.svd(x.T @ x)[1].shape)
'''
notebook = new_notebook(cells=[new_code_cell(cell)])
NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
print(*(output["text"] for output in notebook.cells[0].outputs))
"""


def test_a_kernel_uses_openmp_that_was_only_imported_before_the_fork(client):
    if not find_spec("sklearn"):  # importing it here would change this process's environment
        pytest.skip("scikit-learn is not installed")
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    said, _ = client(OPENMP, CXRESEARCH_PRELOAD="sklearn.ensemble", **dict.fromkeys(threads, "2")).communicate(
        timeout=120
    )
    assert said.split() == ["True", "2", "True", "(5,)"]


# where an ordinary kernel is due


def test_another_environment_means_an_ordinary_kernel(run, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "one for each kernel, and no library reads it")
    show = "import os; print(os.environ['JPY_SESSION_NAME'], os.environ.get('OMP_NUM_THREADS'))"
    assert texts(run("warm", show))[0].startswith("one for each kernel")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert texts(run("warm", show, falls_back=True))[0].endswith("7\n")


def test_a_file_that_hides_a_library_means_an_ordinary_kernel(run, tmp_path):
    (tmp_path / "seaborn.py").write_text("print('mine')")
    assert texts(run("warm", "import seaborn", cwd=tmp_path, falls_back=True)) == ["mine\n"]


PRELOADED = preload.Preloaded(
    ["python", "-m", "it"], {"A": "1", "PWD": "/"}, "", frozenset({"numpy", "matplotlibrc"}), {}
)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"env": {"A": "1", "PWD": "/x", "JPY_PARENT_PID": "1", "PYTEST_CURRENT_TEST": "t"}}, ""),
        ({"env": {"A": "1", "PYTHONPATH": ""}}, "in PYTHONPATH"),
        ({"env": {"A": "2"}}, "in A"),
        ({"env": {}}, "in A"),
        ({"env": {"A": "1", "OMP_NUM_THREADS": "1"}}, "in OMP_NUM_THREADS"),
        ({"command": ["python", "-m", "it", "--colors=nocolor"]}, "arguments"),
    ],
)
def test_only_kernels_like_those_of_the_warm_parent_are_forked(tmp_path, changed, reason):
    asked = {"command": ["python", "-m", "it"], "env": {"A": "1"}, "cwd": str(tmp_path), **changed}
    said = PRELOADED.refusal(**asked)
    assert reason in said
    assert bool(reason) == bool(said)


@pytest.mark.parametrize(
    ("path", "found"), [(":/a", True), ("lib", True), ("/a:/b", False), ("/a:b", True), ("", False)]
)
def test_a_relative_pythonpath_depends_on_the_folder(tmp_path, path, found):
    there = dataclasses.replace(PRELOADED, env={"PYTHONPATH": path})
    assert ("PYTHONPATH" in there.refusal(there.command, there.env, str(tmp_path))) == found


@pytest.mark.parametrize(
    ("name", "hides"),
    [
        ("numpy.py", True),
        ("numpy/__init__.py", True),
        ("matplotlibrc", True),
        ("numpy/data.csv", False),
        ("a.py", False),
    ],
)
def test_what_lies_in_the_folder_may_hide_a_library(tmp_path, name, hides):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert bool(PRELOADED.refusal(PRELOADED.command, PRELOADED.env, str(tmp_path))) == hides


def test_a_kernel_that_is_started_in_an_unknown_way_is_an_ordinary_one(use, monkeypatch):
    def kind(**options):
        manager, client = start_new_kernel(**options)
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        return manager.provisioner.reserved is not None

    use("warm")
    monkeypatch.setenv("CXRESEARCH_PRELOAD", "json")
    assert kind()
    assert not kind(preexec_fn=None)
    assert not kind(stdout=-3)


@pytest.mark.parametrize("kind", ["unsupported", "missing"])
def test_everywhere_a_notebook_runs_on_some_kernel(run, monkeypatch, kind):
    if kind == "unsupported":
        monkeypatch.setattr(provisioner, "supported", lambda: False)
    else:  # the parent cannot start
        monkeypatch.setattr(lease, "_parents", {})
        monkeypatch.setattr(kernels.lease.Parent, "__init__", broken_parent)
    assert texts(run("warm", "print(6 * 7)", falls_back=True)) == ["42\n"]


def broken_parent(self, kernel, env):
    self.address, self.answered = "/nonexistent/parent", False


LOUD = """
import os, sys
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from cxresearch.batch.kernels import lease
for name in sys.argv[1:]:
    os.environ["CXRESEARCH_PRELOAD"] = name
    lease._parents.clear()
    notebook = new_notebook(cells=[new_code_cell(f"import {name}")])
    client = NotebookClient(notebook, kernel_name="python3", allow_errors=True)
    client.on_notebook_start = lambda **_: print(name, client.km.provisioner.reason or "warm", end=": ")
    client.execute()
    print(*(output.get("text", output.get("ename")) for output in notebook.cells[0].outputs), end=";")
"""

LIBRARIES = {
    "lib_quiet": ("pass", "warm: ;"),
    "lib_prints": (
        "print('hello')",
        "a library prints as it is imported, which no notebook would show: hello: hello\n;",
    ),
    "lib_below": ("import os; os.write(2, b'below')", "a library prints .*: below: below;"),
    "lib_warns": ("import warnings; warnings.warn('careful')", "a library prints .*UserWarning: careful.*"),
    "lib_thread": (
        "import threading as t, time; t.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "a library starts a thread .*",
    ),
    "lib_broken": ("raise ImportError('broken')", "warm: ImportError;"),
}


def test_a_library_that_prints_or_starts_a_thread_means_ordinary_kernels(client, registered, tmp_path):
    (tmp_path / "more").mkdir()
    for name, (source, _) in LIBRARIES.items():
        (tmp_path / "more" / f"{name}.py").write_text(source)
    said, _ = client(LOUD, *LIBRARIES, PYTHONPATH=f"{registered}:{tmp_path / 'more'}").communicate(timeout=300)
    for name, (_, expected) in LIBRARIES.items():
        assert re.search(rf"(^|;){name} {expected}", said, re.DOTALL), said


def test_edited_code_means_a_new_parent(client, registered, tmp_path):
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(cxresearch.__file__).parent, copy / "cxresearch", ignore=ignore)
    script = """
import json, pathlib
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
def run():
    cell = "import os; from cxresearch import defaults; print(os.getppid(), defaults.SEED)"
    notebook = new_notebook(cells=[new_code_cell(cell)])
    NotebookClient(notebook, kernel_name="python3").execute()
    return notebook.cells[0].outputs[0]["text"].split()
code = pathlib.Path("copy/cxresearch/defaults.py")
said = [run(), run()]
code.write_text(code.read_text() + "\\nSEED = 77\\n")
said += [run(), run()]
print(json.dumps(said))
"""
    path = f"{copy}:{registered}"
    said, _ = client(script, CXRESEARCH_PRELOAD="cxresearch.defaults", PYTHONPATH=path).communicate(timeout=120)
    first, second, third, fourth = json.loads(said)
    assert first == second != third == fourth
    assert third[1] == "77"


# ends


DEATHS = {
    "killed": "import os; os.kill(os.getpid(), 9)",
    "exits": "import os; os._exit(3)",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "aborts": "import os; os.abort()",
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_dead_kernel_is_told_at_once(run, death, tmp_path):
    pids = tmp_path / "pids"
    start = f"""
    import os, subprocess, pathlib, resource, time
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    child = subprocess.Popen(["sleep", "300"])
    pathlib.Path({str(pids)!r}).write_text(f"{{os.getpid()}} {{os.getppid()}} {{child.pid}} {{time.time()}}")
    """
    with pytest.raises(DeadKernelError):
        run("warm", start, DEATHS[death])
    *found, started = pids.read_text().split()
    assert time.time() - float(started) < 6, "on a quiet machine this takes 1.1 s: nbclient looks once a second"
    kernel, parent, child = map(int, found)
    until(lambda: not alive(child))
    assert alive(parent)
    assert str(kernel) not in children(parent), "a zombie"
    assert not Path(f"/proc/{kernel}").exists()


@pytest.mark.parametrize("kind", ["plain", "warm"])
def test_time_limit_interrupt_and_input_end_as_with_an_ordinary_kernel(run, kind):
    with pytest.raises(CellTimeoutError):
        run(kind, "import time; time.sleep(60)", timeout=1)
    cells = [
        "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('stopped')\n    raise",
        "print('on')",
    ]
    done = run(kind, *cells, timeout=2, interrupt_on_timeout=True)
    assert [o.get("ename", o.get("text")) for o in done.cells[0].outputs] == ["stopped\n", "KeyboardInterrupt"]
    assert texts(done)[1] == "on\n"


def test_a_restarted_kernel_is_new_and_has_its_sockets_again(use, monkeypatch):
    use("warm")
    monkeypatch.setenv("CXRESEARCH_PRELOAD", "json")

    def ask(client, code):
        found = []
        client.execute_interactive(code, output_hook=lambda m: found.append(m["content"].get("text", "")), timeout=60)
        return "".join(found)

    manager, client = start_new_kernel()
    assert isinstance(client, provisioner.QuickBlockingClient)
    assert isinstance(manager.provisioner.process, lease.Lease)
    first = ask(client, "kept = 1; " + WHO)
    manager.restart_kernel()
    client.wait_for_ready(timeout=60)
    second = ask(client, WHO)
    assert first.split()[0] != second.split()[0]
    assert ask(client, "print('kept' in globals())") == "False\n"
    assert int(second.split()[1]) != os.getpid()
    os.kill(int(second.split()[1]), signal.SIGKILL)  # the parent; a restart finds another, and the sockets their place
    until(lambda: not manager.is_alive())
    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=60)
    third = ask(client, WHO)
    assert not set(third.split()) & set(second.split())
    folder = Path(manager.ip).parent
    client.stop_channels()
    manager.shutdown_kernel()
    assert not manager.is_alive()
    assert not [path for path in folder.iterdir() if not path.name.startswith("parent-")]


CLIENT = """
import os, sys
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
cells = ['''
import os, pathlib, subprocess, multiprocessing, time
child = subprocess.Popen(["sleep", "300"])
fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,))
fork.start()
connection = get_ipython().kernel.parent.connection_file
pathlib.Path("some").write_text(f"{os.getpid()} {os.getppid()} {child.pid} {fork.pid} {connection}")
''', '''
!echo $$ > shell; mv shell pid_of_shell; sleep 300
''']
NotebookClient(new_notebook(cells=[new_code_cell(c) for c in cells]), kernel_name="python3").execute()
"""


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_with_the_client_everything_ends(client, tmp_path, signum):
    process = client(CLIENT)
    until((tmp_path / "pid_of_shell").exists, 120)
    *pids, connection = (tmp_path / "some").read_text().split()
    pids = [int(pid) for pid in (*pids, (tmp_path / "pid_of_shell").read_text())]
    assert all(map(alive, pids))
    assert Path(connection).exists()
    assert list(tmp_path.glob("cxk-*"))
    process.send_signal(signum)
    process.wait(timeout=60)
    until(lambda: not any(map(alive, pids)))
    until(lambda: not list(tmp_path.glob("cxk-*")) and not Path(connection).exists())


def test_with_the_parent_its_kernels_end_and_the_next_is_served_by_another(client, tmp_path):
    script = """
import json, os
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
def run(*cells):
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3").execute()
    return notebook.cells[0].outputs[0]["text"]
who = "import os; print(os.getpid(), os.getppid())"
try:
    keep = "open('pids', 'w').write(f'{os.getpid()} {os.getppid()}')"
    run(who, keep, "os.kill(os.getppid(), 9)", "while True: pass")
except DeadKernelError:
    print(open("pids").read(), run(who), run(who), flush=True)
"""
    said, _ = client(script).communicate(timeout=120)
    kernel, parent, _, second, _, third = map(int, said.split())
    assert parent != second == third
    assert not any(map(alive, (kernel, parent, second)))
    assert not list(tmp_path.glob("cxk-*")), "the parent did not tidy up, so the client must"


def test_at_the_end_of_a_kernel_exit_handlers_run_and_files_are_written(run, tmp_path):
    (tmp_path / "holder.py").write_text("file = open('module.txt', 'w'); file.write('kept by a module')")
    cell = """
    import atexit, logging, threading, time, holder
    file = open("notebook.txt", "w"); file.write("kept by the notebook")
    atexit.register(lambda: open("atexit.txt", "a").write("first registered, last run\\n"))
    atexit.register(lambda: open("atexit.txt", "a").write("last registered, first run\\n"))
    threading.Thread(target=lambda: (time.sleep(0.3), open("thread.txt", "w").write("waited for"))).start()
    class Last:
        def __del__(self): open("del.txt", "w").write("taken apart")
    last, loop = Last(), Last(); loop.self = loop
    """
    wrote = {}
    for kind in ("plain", "warm"):
        folder = tmp_path / kind
        folder.mkdir()
        shutil.copy(tmp_path / "holder.py", folder)
        run(kind, cell, cwd=folder)
        wrote[kind] = {path.name: path.read_text() for path in folder.glob("*.txt")}
    assert wrote["warm"] == wrote["plain"]
    assert len(wrote["warm"]) == 5


# many


def test_two_clients_and_two_threads_do_not_disturb_each_other(client, tmp_path):
    script = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
def run(number):
    notebook = new_notebook(cells=[new_code_cell(f"x = {number}"), new_code_cell("import os; print(x, os.getppid())")])
    NotebookClient(notebook, kernel_name="python3").execute()
    return notebook.cells[1].outputs[0]["text"].split()
run(0)
with ThreadPoolExecutor(2) as pool:
    results = list(pool.map(run, range(4)))
print(*[x for x, _ in results], len({parent for _, parent in results}))
"""
    clients = [client(script), client(script)]
    assert [process.communicate(timeout=120)[0].split() for process in clients] == [[*"0123", "1"]] * 2


def test_workers_share_the_parent_of_the_process_that_started_them(client):
    script = """
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from cxresearch.batch import kernels

def run(number):
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook
    code = f"import os, time; time.sleep(0.2); print({number}, os.getppid(), os.environ['ONE'])"
    notebook = new_notebook(cells=[new_code_cell(code)])
    NotebookClient(notebook, kernel_name="python3").execute()
    return os.getpid(), *notebook.cells[0].outputs[0]["text"].split()

if __name__ == "__main__":
    before = dict(os.environ)
    with kernels.warm(ONE="1") as forked, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(run, range(6)))
    workers, numbers, parents, _ = zip(*results)
    print(forked, *numbers, len(set(workers)), len(set(parents)), os.environ == before)
    print(os.path.exists(f"/proc/{parents[0]}"))
"""
    said, _ = client(script, JUPYTER_DEFAULT_PROVISIONER_NAME="local-provisioner").communicate(timeout=180)
    assert said.splitlines() == ["True 0 1 2 3 4 5 2 1 True", "False"], "two workers, one parent, gone with the block"


def test_kernels_leave_no_descriptor_and_no_process_behind(run):
    def seen():
        parent = texts(run("warm", WHO))[0].split()[1]
        # the parent hears of the client's closing a moment later
        until(lambda: not children(parent))
        return int(parent), descriptors(parent), descriptors("self")

    first = seen()
    assert [seen() for _ in range(3)][-1] == first


@pytest.mark.slow
def test_six_hundred_kernels_and_a_hundred_deaths(run, tmp_path):
    """Runs end as they should, whatever happens to the others; nothing is left."""
    parent = texts(run("warm", WHO))[0].split()[1]
    before = descriptors(parent), descriptors("self")
    figure = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);"
    expected = run("plain", figure).cells[0].outputs

    async def one(number):
        from nbclient import NotebookClient
        from nbformat.v4 import new_code_cell, new_notebook

        dies = number % 6 == 0
        cells = [
            figure,
            "import os, time, random" + (f"; time.sleep({number % 7} / 50); os.kill(os.getpid(), 9)" if dies else ""),
        ]
        notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        manager = AsyncKernelManager(kernel_name="python3")
        runner = NotebookClient(notebook, km=manager, timeout=120)
        try:
            await runner.async_execute(cleanup_kc=True)
        except DeadKernelError:
            assert dies
        else:
            assert not dies
            assert notebook.cells[0].outputs == expected
        assert isinstance(manager.provisioner.reserved, lease.Lease)

    async def everything():
        gate = asyncio.Semaphore(4)

        async def gated(number):
            async with gate:
                await one(number)

        await asyncio.gather(*(gated(number) for number in range(600)))

    asyncio.run(everything())
    until(lambda: not children(parent))
    assert (descriptors(parent), descriptors("self")) == before
