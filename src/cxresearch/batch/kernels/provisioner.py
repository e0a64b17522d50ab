"""Jupyter's side: a provisioner that has kernels forked by a warm parent, or starts ordinary ones where that is due."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import ensure_async, run_sync

from cxresearch.batch.kernels import lease, supported

KNOWN = {"cwd", "env", "extra_arguments", "kernel_id", "stdout", "stderr"}
"""Launch arguments that a forked kernel can follow."""


class WarmProvisioner(LocalProvisioner):
    """Starts kernels by forking a warm parent; where that would not be faithful, it is the ordinary provisioner."""

    reserved: lease.Lease | None = None
    reason = ""
    """Why the kernel is an ordinary one."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Ask for a kernel before the connection is settled, since a forked one has its own kind of connection."""
        self.reserved, self.reason = None, ""
        try:
            self.reserved = await self._reserve(**kwargs)
            self._connect_by_file(Path(self.reserved.address).parent)
        except lease.Refused as refused:
            self.reason = str(refused)
            self.log.info("An ordinary kernel, because %s", self.reason)
        return await super().pre_launch(**kwargs)

    async def _reserve(self, **kwargs: Any) -> lease.Lease:
        command = lease.command(self.kernel_spec.argv, kwargs.get("extra_arguments") or [])
        if not supported() or not command or self.kernel_spec.env:
            raise lease.Refused("only this Python's IPython kernel can be forked, and only on Linux")
        if unknown := {
            n for n, value in kwargs.items() if n not in KNOWN or (n[:3] == "std" and isinstance(value, int))
        }:
            raise lease.Refused(f"it is started with {', '.join(sorted(unknown))}")
        return await lease.reserve(command, kwargs.get("env") or os.environ, _absolute(kwargs.get("cwd")))

    def _connect_by_file(self, folder: Path) -> None:
        km: Any = self.parent
        if km.transport != "ipc":  # after a restart the sockets keep their names
            km.transport, km.ip, km.cache_ports = "ipc", str(folder / str(self.kernel_id)[:13]), False
        for stock, quick in ((AsyncKernelClient, QuickAsyncClient), (BlockingKernelClient, QuickBlockingClient)):
            if km.client_factory is stock:
                km.client_factory = quick

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch the kernel; returns when it listens."""
        if self.reserved is None:
            return await super().launch_kernel(cmd, **kwargs)
        km: Any = self.parent
        env = {**kwargs["env"], "JPY_PARENT_PID": str(os.getpid())}  # as jupyter_client does
        asked = {"command": cmd, "cwd": _absolute(kwargs.get("cwd")), "env": env, "sockets": km.ip}
        output = [given.fileno() if (given := kwargs.get(f"std{name}")) else n for n, name in ((1, "out"), (2, "err"))]
        try:
            answer = await self.reserved.ask({**asked, "connection_file": _absolute(km.connection_file)}, output)
        except OSError as error:
            answer = {"ended": error}
        if "pid" not in answer:
            self.reserved.connection.close()
            self.log.warning("An ordinary kernel, because the forked one did not start: %s", answer)
            return await super().launch_kernel(cmd, **kwargs)
        self.process: Any = self.reserved
        self.pid = self.process.pid = answer["pid"]
        self.pgid = None  # signals go through the lease
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:  # noqa: ARG002
        """Wait for the kernel's end, which the manager would look for every tenth of a second."""
        if isinstance(self.process, lease.Lease):
            with suppress(TimeoutError):  # the manager has its own ways with a kernel that does not end
                await asyncio.wait_for(self.process.ended(), 1)


def _absolute(path: Any) -> str:
    return str(Path(path or ".").absolute())


async def _wait_for_ready(self: Any, timeout: float | None = None) -> None:
    """Wait until the kernel says that it is idle, where the stock client waits for 0.2 s of silence."""
    deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
    with suppress(Empty):  # a welcome: this client's subscription has arrived
        await ensure_async(self.iopub_channel.get_msg(timeout=1))
    while True:
        asked = self.kernel_info()
        with suppress(Empty):
            await _answer(self.iopub_channel, asked, execution_state="idle")
            self._handle_kernel_info_reply(await _answer(self.shell_channel, asked))
            return
        if not await ensure_async(self.is_alive()):
            raise RuntimeError("Kernel died before replying to kernel_info")
        if time.monotonic() > deadline:
            raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")


async def _answer(channel: Any, asked: str, **content: str) -> Any:
    """Return the next message that answers a question, with such content; Empty after a second of silence."""
    while True:
        message = await ensure_async(channel.get_msg(timeout=1))
        if message["parent_header"].get("msg_id") == asked and content.items() <= message["content"].items():
            return message


class QuickAsyncClient(AsyncKernelClient):
    """The stock client, ready sooner."""

    wait_for_ready = _wait_for_ready


class QuickBlockingClient(BlockingKernelClient):
    """The stock client, ready sooner."""

    wait_for_ready = run_sync(_wait_for_ready)
