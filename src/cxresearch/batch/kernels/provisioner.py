"""Jupyter's side: a provisioner that starts kernels by asking a warm parent, or the ordinary way where that is due."""

import asyncio
import os
import time
from collections.abc import Mapping
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
"""Launch arguments that mean the same for a forked kernel; with any other the kernel is an ordinary one."""


class WarmProvisioner(LocalProvisioner):
    """Starts kernels by forking a warm parent. Where that would not be faithful, it is the ordinary provisioner."""

    reserved: lease.Lease | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Ask for a kernel before the connection is settled, since a forked one has its own kind of connection."""
        try:
            self.reserved = await self._reserve(kwargs)
        except lease.Refused as reason:
            self.reserved = None
            self.log.info("An ordinary kernel: %s", reason)
        else:
            self._connect_by_file(Path(self.reserved.address).parent)
        return await super().pre_launch(**kwargs)

    async def _reserve(self, kwargs: Mapping[str, Any]) -> lease.Lease:
        if not supported():
            raise lease.Refused("this system cannot fork kernels")
        if unknown := kwargs.keys() - KNOWN:
            raise lease.Refused(f"it is started with {', '.join(sorted(unknown))}")
        if self.kernel_spec.env:
            raise lease.Refused("its kernel specification sets the environment")
        _streams(kwargs)
        command = lease.command(self.kernel_spec.argv, kwargs.get("extra_arguments") or [])
        if not command:
            raise lease.Refused("it is not this Python's IPython kernel")
        return await lease.reserve(command, kwargs.get("env") or os.environ, _cwd(kwargs))

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
        asked = {
            "command": cmd,
            "connection_file": str(Path(km.connection_file).absolute()),
            "cwd": _cwd(kwargs),
            "env": {**kwargs["env"], "JPY_PARENT_PID": str(os.getpid())},
            "sockets": km.ip,
        }
        try:
            answer = await self.reserved.ask(asked, _streams(kwargs))
        except OSError as error:
            answer = {"ended": error}
        if "pid" not in answer:
            self.log.warning("An ordinary kernel, because the forked one did not start: %s", answer)
            return await super().launch_kernel(cmd, **kwargs)
        self.process: Any = self.reserved
        self.pid = self.process.pid = answer["pid"]
        self.pgid = None  # signals go through the lease
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    async def wait(self) -> int | None:
        """Wait for the kernel's end instead of asking every tenth of a second."""
        if isinstance(self.process, lease.Lease):
            await self.process.ended()
        return await super().wait()

    async def shutdown_requested(self, restart: bool = False) -> None:  # noqa: ARG002
        """Give the kernel the moment that it takes to end; what is still running after that is the manager's to end."""
        if isinstance(self.process, lease.Lease):
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.ended(), 1)


def _cwd(kwargs: Mapping[str, Any]) -> str:
    return str(Path(kwargs.get("cwd") or ".").absolute())


def _streams(kwargs: Mapping[str, Any]) -> list[int]:
    """Return the files that are to be the kernel's output and error output."""
    found = []
    for name, default in (("stdout", 1), ("stderr", 2)):
        given = kwargs.get(name)
        try:
            number = default if given is None else given if isinstance(given, int) else given.fileno()
            os.fstat(number)
        except (OSError, AttributeError):
            raise lease.Refused(f"its {name} is not an open file") from None
        found.append(number)
    return found


async def _wait_for_ready(self: Any, timeout: float | None = None) -> None:
    """Wait until the kernel says that it is idle, where the stock client waits for 0.2 s of silence."""
    deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
    while True:
        with suppress(Empty):
            # the first message, a welcome, says that this client's subscription has arrived
            await ensure_async(self.iopub_channel.get_msg(timeout=1))
            asked = self.kernel_info()
            idle = False
            while not idle:
                message = await ensure_async(self.iopub_channel.get_msg(timeout=1))
                idle = (
                    message["parent_header"].get("msg_id") == asked
                    and message["content"].get("execution_state") == "idle"
                )
            self._handle_kernel_info_reply(await ensure_async(self.shell_channel.get_msg(timeout=1)))
            return
        if not await ensure_async(self.is_alive()):
            raise RuntimeError("Kernel died before replying to kernel_info")
        if time.monotonic() > deadline:
            raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")


class QuickAsyncClient(AsyncKernelClient):
    """The stock client, ready sooner."""

    wait_for_ready = _wait_for_ready


class QuickBlockingClient(BlockingKernelClient):
    """The stock client, ready sooner."""

    wait_for_ready = run_sync(_wait_for_ready)
