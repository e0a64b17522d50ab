"""A notebook's outputs are the same on both kernels, figures to the byte, and so is the interpreter it runs in."""

import json
import re

import pytest

from cxresearch.batch.kernels import preload

NOTEBOOKS = {
    "figures": r"""
import matplotlib.pyplot as plt
import numpy as np
--
x = np.linspace(0, 6, 200)
plt.plot(x, np.sin(x), label=r'$\sin x$')
plt.legend()
plt.title('one')
--
fig, axes = plt.subplots(1, 2, figsize=(6, 3))
axes[0].bar('abc', [3, 1, 2])
axes[1].imshow(np.outer(x, x));
--
for i in range(2):
    plt.figure()
    plt.hist(x, bins=5 + i)
    plt.show()
print('after')
--
fig
--
%config InlineBackend.figure_formats = ['retina']
plt.plot([1, 3, 2]);
--
plt.get_backend(), plt.isinteractive(), plt.get_fignums(), plt.rcParams['figure.dpi']
""",
    "seaborn": """
import pandas as pd
import seaborn as sns
import numpy as np
--
rng = np.random.default_rng(3)
frame = pd.DataFrame({'g': list('abcd') * 25, 'y': rng.normal(size=100)})
--
sns.set_theme(style='whitegrid')
sns.boxplot(frame, x='g', y='y')
--
sns.relplot(frame.reset_index(), x='index', y='y', col='g', height=2);
""",
    "our_figures": """
import matplotlib.pyplot as plt
from cxresearch import style
--
with style.figure(2.5) as (fig, ax):
    style.interval_plot(ax, [1, 2, 3], [3, 4, 3.5], [2.5, 3.6, 3], [3.5, 4.4, 4])
    ax.set_title('三家网点：满意度 (n = 120)')
    ax.set_ylabel('Satisfaction, points')
--
ax
--
style.chinese_font(), plt.rcParams['font.family']
""",
    "errors": """
1 / 0
--
def f(x):
    return {}[x]

try:
    f(1)
except KeyError as error:
    raise ValueError('second') from error
--
if True print('no')
--
raise SystemExit(3)
--
import json; json.loads('{')
--
undefined_name
--
import pandas as pd
pd.DataFrame({'a': [1]})['b']
--
%xmode Plain
[][0]
--
%debug_that_is_not
--
assert False, 'told'
""",
    "warnings": """
import warnings
--
for _ in range(3):
    warnings.warn('thrice')
--
for _ in range(3):
    warnings.warn('old', DeprecationWarning)
--
import numpy as np
np.log(np.array([0.0, 1.0])) / 0
--
import pandas as pd
frame = pd.DataFrame({'a': [1]})
pd.to_datetime(['1/2/2020', '13/2/2020'], errors='coerce')
--
from scipy import stats
stats.pearsonr([1, 1, 1], [1, 2, 3])
--
import statsmodels.api as sm
sm.Logit([0, 0, 1, 1], [[1.0], [2], [3], [4]]).fit(disp=0).params
--
with warnings.catch_warnings():
    warnings.simplefilter('error')
    warnings.warn('now an error')
""",
    "shell": r"""
!echo from the shell; echo also this >&2
--
out = !printf 'a\nb'
out
--
%%bash
for i in 1 2; do echo $i; done
exit 3
--
!exit 4
--
_exit_code
--
import os; os.system('echo below Python')
--
import subprocess; subprocess.run(['echo', 'from a child']);
--
subprocess.run('cat', capture_output=True, timeout=20)
--
%env PAGER
--
!echo $TERM $CLICOLOR $GIT_PAGER; tty
""",
    "processes": """
import multiprocessing as mp, os

def square(x):
    return x * x
--
with mp.get_context('fork').Pool(2) as pool:
    print(pool.map(square, range(5)))
--
with mp.get_context('spawn').Pool(1) as pool:
    print(pool.map(abs, [-2]))
--
child = mp.get_context('fork').Process(target=print, args=('from a fork',)); child.start(); child.join()
--
mp.get_start_method(), mp.active_children(), mp.current_process().name, mp.parent_process()
--
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, b'hello')
    os._exit(0)
os.wait()[1], os.read(read, 9)
""",
    "asynchronous": """
import asyncio

async def later(x):
    await asyncio.sleep(0.01)
    return x
--
await later(1)
--
await asyncio.gather(*(later(i) for i in range(4)))
--
asyncio.run(later(2))
--
task = asyncio.create_task(later(3))
--
await task
--
process = await asyncio.create_subprocess_exec('echo', 'hello', stdout=-1)
(await process.communicate())[0]
--
type(asyncio.get_running_loop()).__name__, len(asyncio.all_tasks())
--
await asyncio.wait_for(asyncio.sleep(5), 0.05)
""",
    "history": """
a = 41
a + 1
--
_ + 1, _1, Out, In[1], _i1, _dh == [str(__import__('pathlib').Path.cwd())]
--
%history -n
--
_ih[-2], get_ipython().execution_count
--
%history -g nothing_like_it
--
%rerun 1
--
%who
%who_ls int
--
list(globals())[:12]
""",
    "tables": """
import numpy as np, pandas as pd
--
wide = pd.DataFrame(np.arange(400.0).reshape(4, 100) / 7, columns=[f'column_{i}' for i in range(100)])
wide
--
print(wide)
--
pd.DataFrame({'a': range(200), '满意度': ['很好'] * 200})
--
print(wide.iloc[:, :30].describe())
--
wide.iloc[0]
--
wide.info()
--
np.arange(5000), np.linspace(0, 1, 7)
--
pd.options.display.width, pd.options.display.max_columns, pd.get_option('display.max_rows')
--
wide.style.format('{:.1f}').set_uuid('x').to_html()[:300]
""",
    "seeded": """
import random, numpy as np, pandas as pd
from scipy import stats
--
random.seed(1); np.random.seed(2)
random.random(), np.random.normal(size=3), np.random.choice(9, 4)
--
np.random.default_rng(3).integers(99, size=5), stats.norm.rvs(size=2, random_state=4)
--
pd.Series(range(50)).sample(4, random_state=5).tolist(), stats.norm.rvs(size=2)
""",
    "display": """
from IPython.display import HTML, Image, JSON, Latex, Markdown, SVG, clear_output, display, update_display
--
display(HTML('<b>x</b>'), Markdown('*y*'), Latex('$z$'), JSON({'a': 1}), 'plain')
--
handle = display('first', display_id='one'); handle.update('second'); update_display('third', display_id='one')
--
print('gone'); clear_output(); print('stays')
--
class Shown:
    def _repr_html_(self):
        return '<i>html</i>'

    def __repr__(self):
        return 'text'

Shown()
--
display({'application/x-own': 'data', 'text/plain': 'own'}, raw=True)
--
SVG('<svg xmlns="http://www.w3.org/2000/svg"/>')
--
%precision 3
3.14159265
--
%%capture caught
print('inside')
--
caught.stdout
""",
    "refused_input": """
input('name? ')
--
import getpass; getpass.getpass()
--
import sys; sys.stdin.read(), sys.stdin.isatty()
""",
    "threads": """
import threading, time
from concurrent.futures import ThreadPoolExecutor
--
with ThreadPoolExecutor(3) as pool:
    print(list(pool.map(lambda x: x * 2, range(6))))
--
thread = threading.Thread(target=lambda: print('from a thread')); thread.start(); thread.join()
--
sorted(t.name.split('-')[0] for t in threading.enumerate()), threading.current_thread().name
--
threading.Thread(target=lambda: 1 / 0, name='fails').start(); time.sleep(0.3)
""",
    "much_output": """
for i in range(20_000):
    print(i, 'x' * 40)
--
print('y' * 2_000_000)
--
'z' * 100_000
--
import sys
for i in range(300):
    print(i, file=sys.stderr)
--
list(range(3000))
""",
    "models": """
import numpy as np, statsmodels.formula.api as smf, pandas as pd
from scipy import optimize, linalg
--
rng = np.random.default_rng(0)
d = pd.DataFrame(rng.normal(size=(200, 3)), columns=list('yxz'))
--
print(smf.ols('y ~ x * z', d).fit(cov_type='HC1').summary().tables[1])
--
smf.mixedlm('y ~ x', d, groups=np.arange(200) // 20).fit().params
--
a = rng.normal(size=(300, 300)); linalg.eigvalsh(a @ a.T)[:3], np.linalg.svd(a)[1][:3]
--
optimize.minimize(lambda p: ((p - [1, 2]) ** 2).sum(), [0, 0]).x.round(5)
""",
    "logging": """
import logging
--
logging.warning('root'); logging.getLogger('a').error('a'); logging.info('unseen')
--
log = logging.getLogger('b'); log.setLevel('INFO'); log.info('b'); log.handlers, logging.root.handlers
--
logging.basicConfig(format='%(name)s', force=True, level='DEBUG'); log.debug('now')
--
sorted(n for n in ('tornado', 'traitlets', 'asyncio') if logging.getLogger(n).handlers)
""",
    "below_python": r"""
import os, sys, ctypes
--
os.write(1, b'to the file\n'); sys.stdout.flush()
--
ctypes.CDLL(None).puts(b'from C'); ctypes.CDLL(None).fflush(None)
--
print('to the original', file=sys.__stdout__, flush=True)
--
type(sys.stdout).__name__, sys.stdout.encoding, sys.stdout.isatty(), sys.__stdin__.encoding, sys.__stdout__.errors
--
__import__('faulthandler').is_enabled(), sys.stdin is sys.__stdin__, os.read(0, 1)
""",
    "main_module": """
import dataclasses, inspect, pickle, sys

@dataclasses.dataclass
class Point:
    x: int = 1
--
pickle.loads(pickle.dumps(Point(3))), Point.__module__, inspect.getsource(Point)
--
__name__, __doc__, __builtins__, '__file__' in globals(), __import__('__main__').__dict__ is globals()
--
%%writefile local_module.py
print('imported')
value = 5
--
import local_module; local_module.value
--
%run local_module.py
--
value, sys.modules['local_module'].__file__.split('/')[-1]
--
%load_ext autoreload
%autoreload 2
%pylab_that_is_not
--
get_ipython().__class__.__name__, get_ipython().kernel.__class__.__name__, str(get_ipython().config.keys())
""",
    "our_package": """
import cxresearch as cx
--
frame = cx.read('datasets/attitude')
--
frame, frame.attrs
--
cx.read('no_such_thing')
--
cx.findings(claims={'L1': 'not tested'}, evidence='simulated', share=0.25, n=30)
""",
}
"""Twenty notebooks; a line of two dashes parts their cells."""


def comparable(notebook, folder):
    """Return a notebook without what differs between any two runs: the folder, the process, the pieces of a stream."""
    for cell in notebook["cells"]:
        merged = []
        for output in cell["outputs"]:
            if merged and "name" in output and output["name"] == merged[-1].get("name"):
                merged[-1]["text"] += output["text"]
            else:
                merged.append(output)
        cell["outputs"] = merged
    text = json.dumps(notebook).replace(str(folder), "")
    return json.loads(re.sub(r"ipykernel_\d+", "ipykernel", text))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_are_the_same(run, tmp_path, name):
    done = {}
    for kind in ("plain", "warm"):
        folder = tmp_path / kind / "place"
        folder.mkdir(parents=True)
        done[kind] = comparable(run(kind, *NOTEBOOKS[name].strip().split("\n--\n"), cwd=folder), tmp_path / kind)
    for plain, warm in zip(done["plain"]["cells"], done["warm"]["cells"], strict=True):
        assert warm == plain
    assert done["warm"]["metadata"] == done["plain"]["metadata"]
    assert sum(bool(cell["outputs"]) for cell in done["warm"]["cells"]) > 1


FINGERPRINT = r"""
import asyncio, builtins, codecs, decimal, faulthandler, gc, getpass, json, locale, logging, os, random, re, resource
import signal, socket, sys, sysconfig, tempfile, threading, time, warnings, zlib
import matplotlib, numpy, pandas
shell = get_ipython()
files = sorted(re.sub(r"[\d:\[\]]+", "", os.readlink(f"/proc/self/fd/{fd}")) for fd in os.listdir("/proc/self/fd")
               if os.path.exists(f"/proc/self/fd/{fd}"))
status = dict(line.split(":\t") for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
print(json.dumps({
    "executable, prefix": [sys.executable, sys.prefix, sys.base_prefix],
    "flags": str(sys.flags), "xoptions": sys._xoptions, "warnoptions": sys.warnoptions,
    "argv": [re.sub("kernel-[^/]*json|tmp[^/]*json", "FILE", a) for a in sys.argv],
    "orig_argv": [re.sub("kernel-[^/]*json|tmp[^/]*json", "FILE", a) for a in sys.orig_argv],
    "path": sys.path, "meta_path": [str(f).split(" at ")[0] for f in sys.meta_path],
    "path_hooks": len(sys.path_hooks), "dont_write_bytecode": sys.dont_write_bytecode,
    "recursion": sys.getrecursionlimit(), "switch interval": sys.getswitchinterval(),
    "int digits": sys.get_int_max_str_digits(),
    "hooks": [getattr(h, "__qualname__", type(h).__name__)
              for h in (sys.excepthook, sys.displayhook, sys.unraisablehook, sys.breakpointhook, threading.excepthook)],
    "trace, profile": [sys.gettrace(), sys.getprofile()],
    "stdout, stderr": [type(sys.stdout).__name__, type(sys.stderr).__name__, sys.stdout.name, sys.stdout.isatty()],
    "original streams": [[f.name, f.encoding, f.errors, f.line_buffering, f.isatty()]
                         for f in (sys.__stdin__, sys.__stdout__, sys.__stderr__)],
    "filesystem encoding": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.getdefaultencoding()],
    "cwd": os.getcwd(), "umask": status["Umask"], "groups": status["Groups"], "blocked signals": status["SigBlk"],
    "ignored, caught signals": [status["SigIgn"], status["SigCgt"]], "capabilities": status["CapEff"],
    "environment": {k: zlib.crc32(v.encode()) for k, v in sorted(os.environ.items()) if k != "JPY_PARENT_PID"},
    "client": int(os.environ["JPY_PARENT_PID"]) > 1,
    "leads its session and group": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "nice": os.nice(0), "affinity": sorted(os.sched_getaffinity(0)), "scheduler": os.sched_getscheduler(0),
    "limits": [resource.getrlimit(getattr(resource, n)) for n in dir(resource) if n.startswith("RLIMIT_")],
    "open files": files,
    "signals": {s.name: str(signal.getsignal(s)).split(" at ")[0] for s in signal.valid_signals()
                if isinstance(s, signal.Signals)},
    "wakeup": signal.set_wakeup_fd(-1), "timers": [signal.getitimer(t) for t in range(3)],
    "threads": sorted(t.name.partition("-")[0] + str(t.daemon) for t in threading.enumerate()),
    "main thread": [threading.current_thread() is threading.main_thread(), threading.get_native_id() == os.getpid()],
    "stack size": threading.stack_size(),
    "locale": [locale.setlocale(locale.LC_ALL, None), locale.getpreferredencoding(), locale.getlocale()],
    "time zone": [time.tzname, time.timezone, time.daylight], "decimal": str(decimal.getcontext()),
    "warnings filters": [str(f) for f in warnings.filters],
    "showwarning": warnings.showwarning.__module__,
    "root logger": [logging.root.level, [type(h).__name__ for h in logging.root.handlers], logging.raiseExceptions],
    "loggers with handlers": sorted(f"{n} {l.level} {[type(h).__name__ for h in l.handlers]} {l.propagate}" for n, l in
                                    logging.root.manager.loggerDict.items() if getattr(l, "handlers", None)),
    "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug(), len(gc.callbacks)], "frozen": gc.get_freeze_count() > 0,
    "asyncio": [type(asyncio.get_event_loop_policy()).__name__, type(asyncio.get_running_loop()).__name__,
                asyncio.get_running_loop().get_debug()],
    "builtins": sorted(vars(builtins)), "input": builtins.input.__qualname__, "open": open.__name__,
    "getpass": getpass.getpass.__qualname__,
    "main": [__name__, sorted(k for k in globals() if k.startswith("__")), type(sys.modules["__main__"]).__name__],
    "namespace": [k for k in list(globals())[:14]],
    "matplotlib": {k: str(v) for k, v in matplotlib.rcParams.items()},
    "matplotlib's backend": [matplotlib.get_backend(auto_select=False), matplotlib.is_interactive()],
    "matplotlib's folders": [matplotlib.get_configdir(), matplotlib.get_cachedir(), matplotlib.matplotlib_fname()],
    "colormaps": sorted(matplotlib.colormaps), "fonts": len(matplotlib.font_manager.fontManager.ttflist),
    "pandas": str(pandas._config.config._global_config),
    "numpy": [str(numpy.get_printoptions()), str(numpy.geterr())],
    "numpy's generator": [numpy.random.get_state()[0], numpy.random.get_state()[2:]],
    "temporary folder": [tempfile.gettempdir(), tempfile.tempdir],
    "socket time limit": socket.getdefaulttimeout(), "faulthandler": faulthandler.is_enabled(),
    "shell": [type(shell).__name__, shell.colors, shell.xmode, shell.ast_node_interactivity, shell.autocall,
              shell.history_manager.hist_file, shell.history_manager.enabled, shell.execution_count,
              shell.starting_dir, shell.profile_dir.location, str(shell.banner)[:9]],
    "configuration": json.loads(re.sub('kernel-[^/]*json|tmp[^/]*json', "FILE", json.dumps(shell.config))),
    "magics": sorted(shell.magics_manager.magics["line"]), "extensions": sorted(shell.extension_manager.loaded),
    "events": {k: sorted(f.__qualname__ for f in v) for k, v in shell.events.callbacks.items()},
    "formatters": {k: sorted(str(t) for t in (*f.type_printers, *f.deferred_printers))
                   for k, f in shell.display_formatter.formatters.items()},
    "configurables": sorted(type(c).__name__ for c in shell.configurables),
    "kernel": [type(shell.kernel).__name__, type(shell.parent).__name__, shell.kernel.shell is shell,
               shell.display_pub.pub_socket is shell.kernel.iopub_socket],
    "subprocess descriptors": os.popen("ls /proc/self/fd | wc -l").read(),
}))
"""

DOCUMENTED = {"frozen": (False, True)}
"""Where the kernels differ, as `cxresearch.batch.kernels` says: (plain, warm)."""


def test_the_interpreter_is_the_same(run):
    # the ordinary kernel first imports what the warm parent has imported
    imports = (
        f"import importlib\nfor name in {(*preload.KERNEL, *preload.LIBRARIES)}:\n    importlib.import_module(name)"
    )
    seen = {}
    for kind in ("plain", "warm"):
        done = run(kind, imports, FINGERPRINT)
        assert done.cells[0].outputs == []
        seen[kind] = json.loads("".join(output["text"] for output in done.cells[1].outputs))
    assert len(seen["plain"]) > 50
    differ = {n: (seen["plain"][n], seen["warm"][n]) for n in seen["plain"] if seen["plain"][n] != seen["warm"][n]}
    assert differ == DOCUMENTED
